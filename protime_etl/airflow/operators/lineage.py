"""Lineage for OpenLineage: which collection of which tenant became which table of which warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.work import Counts

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

__all__ = ["lineage_of"]

PORT = 5432


def lineage_of(api_host: str, warehouse: URL, loaded: Mapping[str, Counts]) -> Any:
    """What OpenLineage asks an operator, for what it has loaded.

    Datasets are named as Airflow's own SQL operators name them, so that what reads the tables joins up.

    Raises:
        ImportError: the provider of OpenLineage is not installed; Airflow does not ask for lineage then.
    """
    from airflow.providers.common.compat.openlineage.facet import (  # noqa: PLC0415 - only where Airflow asks
        Dataset,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415

    # Of several hosts, or of a socket, the query has them.
    hosts, ports = (str(warehouse.query.get(name, "")).split(",")[0] for name in ("host", "port"))
    place = f"postgres://{warehouse.host or hosts or 'localhost'}:{warehouse.port or ports or PORT}"
    database = warehouse.database or warehouse.username
    inputs, outputs = [], []
    for path, counts in sorted(loaded.items()):
        inputs.append(Dataset(f"protime://{api_host}", path))
        statistics = OutputStatisticsOutputDatasetFacet(rowCount=counts.written)
        outputs.append(
            OutputDataset(
                place,
                f"{database}.protime.{COLLECTIONS[path].table}",
                outputFacets={"outputStatistics": statistics},
            )
        )
    return OperatorLineage(inputs=inputs, outputs=outputs)
