"""All tables of the warehouse. Migrations create them; a test holds the two equal."""

from __future__ import annotations

from protime_etl.postgres import delta_tables, engine_tables, proof_tables, record_tables
from protime_etl.postgres.metadata import metadata

__all__ = ["delta_tables", "engine_tables", "metadata", "proof_tables", "record_tables"]
