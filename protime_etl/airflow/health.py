"""The health of a tenant where Airflow keeps and shows such things: at its assets, and as metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from protime_etl.postgres.health.verdict import Health, read_health

if TYPE_CHECKING:
    from airflow.sdk import Context

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["record_health"]

KEY = "health"
METRIC = "protime"


def record_health(pipeline: Pipeline, context: Context, outlets: Iterable[object], log: Any) -> None:
    """Record the tenant's health at the assets of the task's outlets, and send it as gauges; never raises.

    The assets' state is read by `GET /api/v2/assets/{id}/state-store/health` (from Airflow 3.3 on), the gauges go where
    Airflow sends its metrics.
    """
    try:
        with pipeline.reading() as connection:
            health = read_health(connection, pipeline.tenant, pipeline.settings.collections)
        for line in health.lines:
            log.info("%s", line)
        given: Any = context
        store = given.get("asset_state_store")
        for outlet in outlets:
            if store is not None and isinstance(outlet, Asset):
                store[outlet].set(KEY, health.as_dict())
        _send_gauges(health)
    except Exception as error:  # noqa: BLE001 - the clockings are stored, reported or not
        log.warning("The health of %s is not reported (%s): %s", pipeline.tenant, type(error).__name__, error)


def _send_gauges(health: Health) -> None:
    """One gauge a figure; nothing where Airflow sends no metrics."""
    try:
        from airflow.sdk.observability.stats import gauge  # noqa: PLC0415
    except ImportError:  # before 3.3
        from airflow.sdk.observability.stats import Stats  # noqa: PLC0415

        gauge = Stats.gauge
    gauge(f"{METRIC}.ok", float(health.ok), tags={"tenant": health.tenant})
    for name, value in health.figures.items():
        gauge(f"{METRIC}.{name}", value, tags={"tenant": health.tenant})
