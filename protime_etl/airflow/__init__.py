"""The Airflow provider; the only place that imports airflow, besides the DAG files.

Names are resolved on first use, so that a DAG file that needs one of them does not pay for all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protime_etl.airflow.bundle import ProtimeDagBundle
    from protime_etl.airflow.factory import ProtimeDags, protime_dags
    from protime_etl.airflow.hook import ProtimeHook
    from protime_etl.airflow.notifier import ProtimeNotifier
    from protime_etl.airflow.operators.backfill import ProtimeBackfillPlanOperator
    from protime_etl.airflow.operators.delta import (
        ProtimeChangesToPostgresOperator,
        ProtimeDeltaAgeOperator,
        ProtimeVerifyOperator,
    )
    from protime_etl.airflow.operators.prove import ProtimeProveOperator
    from protime_etl.airflow.operators.publish import ProtimeFinishOperator
    from protime_etl.airflow.operators.pull import (
        ProtimeClockingsToPostgresOperator,
        ProtimePeopleToPostgresOperator,
        ProtimePlanOperator,
    )
    from protime_etl.airflow.operators.report import ProtimeReportOperator

_MODULES = {
    "ProtimeBackfillPlanOperator": "operators.backfill",
    "ProtimeDagBundle": "bundle",
    "ProtimeDags": "factory",
    "ProtimeHook": "hook",
    "ProtimeNotifier": "notifier",
    "ProtimeChangesToPostgresOperator": "operators.delta",
    "ProtimeDeltaAgeOperator": "operators.delta",
    "ProtimeVerifyOperator": "operators.delta",
    "ProtimeClockingsToPostgresOperator": "operators.pull",
    "ProtimeFinishOperator": "operators.publish",
    "ProtimePeopleToPostgresOperator": "operators.pull",
    "ProtimePlanOperator": "operators.pull",
    "ProtimeProveOperator": "operators.prove",
    "ProtimeReportOperator": "operators.report",
    "protime_dags": "factory",
}
__all__ = [
    "ProtimeBackfillPlanOperator",
    "ProtimeChangesToPostgresOperator",
    "ProtimeClockingsToPostgresOperator",
    "ProtimeDagBundle",
    "ProtimeDags",
    "ProtimeDeltaAgeOperator",
    "ProtimeFinishOperator",
    "ProtimeHook",
    "ProtimeNotifier",
    "ProtimePeopleToPostgresOperator",
    "ProtimePlanOperator",
    "ProtimeProveOperator",
    "ProtimeReportOperator",
    "ProtimeVerifyOperator",
    "protime_dags",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
