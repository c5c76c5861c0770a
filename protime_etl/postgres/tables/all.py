"""All tables of the warehouse. Migrations create them; a test holds the two equal."""

from __future__ import annotations

from protime_etl.postgres.tables import deltas as delta_tables
from protime_etl.postgres.tables import engine as engine_tables
from protime_etl.postgres.tables import proofs as proof_tables
from protime_etl.postgres.tables import records as record_tables
from protime_etl.postgres.tables.metadata import metadata

__all__ = ["delta_tables", "engine_tables", "metadata", "proof_tables", "record_tables"]
