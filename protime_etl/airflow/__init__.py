"""The Airflow provider; the only place that imports airflow, besides the DAG files.

Names are resolved on first use, so that a DAG file that needs one of them does not pay for all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protime_etl.airflow.backfill import ProtimeBackfillPlanOperator
    from protime_etl.airflow.delta_operators import (
        ProtimeChangesToPostgresOperator,
        ProtimeDeltaAgeOperator,
        ProtimeVerifyOperator,
    )
    from protime_etl.airflow.hook import ProtimeHook
    from protime_etl.airflow.operators import (
        ProtimeClockingsToPostgresOperator,
        ProtimeFinishOperator,
        ProtimePeopleToPostgresOperator,
        ProtimePlanOperator,
    )
    from protime_etl.airflow.prove import ProtimeProveOperator
    from protime_etl.airflow.retry_policy import ProtimeRetryPolicy

_MODULES = {
    "ProtimeBackfillPlanOperator": "backfill",
    "ProtimeHook": "hook",
    "ProtimeChangesToPostgresOperator": "delta_operators",
    "ProtimeDeltaAgeOperator": "delta_operators",
    "ProtimeVerifyOperator": "delta_operators",
    "ProtimeClockingsToPostgresOperator": "operators",
    "ProtimeFinishOperator": "operators",
    "ProtimePeopleToPostgresOperator": "operators",
    "ProtimePlanOperator": "operators",
    "ProtimeProveOperator": "prove",
    "ProtimeRetryPolicy": "retry_policy",
}
__all__ = [
    "ProtimeBackfillPlanOperator",
    "ProtimeChangesToPostgresOperator",
    "ProtimeClockingsToPostgresOperator",
    "ProtimeDeltaAgeOperator",
    "ProtimeFinishOperator",
    "ProtimeHook",
    "ProtimePeopleToPostgresOperator",
    "ProtimePlanOperator",
    "ProtimeProveOperator",
    "ProtimeRetryPolicy",
    "ProtimeVerifyOperator",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
