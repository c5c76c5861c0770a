"""What the DAGs of a tenant have in common."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Asset, Context, Param

__all__ = [
    "INCOMPLETE",
    "RUN_ID",
    "DagPlan",
    "accept_deletions_param",
    "accept_older_param",
    "collections_param",
    "concurrency_param",
]

RUN_ID = "{{ ti.xcom_pull(task_ids='plan_batches', key='run_id') }}"
INCOMPLETE = "{{ ti.xcom_pull(task_ids='plan_batches', key='incomplete') }}"
"""What `plan_batches` leaves for the tasks after it."""


@dataclass(frozen=True)
class DagPlan:
    """What `protime_dags` was given, checked; see there."""

    name: str
    protime_conn_id: str
    postgres_conn_id: str
    timezone: str
    nightly: str
    changes: str
    lookback_days: int
    at_once: int
    collections: str
    callbacks: Sequence[Callable[[Context], None]]
    deadline: dt.timedelta | None
    default_args: dict[str, Any]
    tags: Sequence[str]
    clockings: Asset
    clockings_changes: Asset

    def dag_id(self, kind: str) -> str:
        """Id of the DAG of that kind."""
        return f"{self.name}_clockings_{kind}"

    def for_tasks(self, **more: Any) -> dict[str, Any]:
        """The default arguments of a DAG's tasks."""
        patience = {} if self.deadline is None else {"deadline": self.deadline}
        return {
            "owner": "protime-etl",
            "protime_conn_id": self.protime_conn_id,
            "postgres_conn_id": self.postgres_conn_id,
            # A wait that the API asks for is no failure and uses none of these.
            "retries": 3,
            "retry_delay": dt.timedelta(minutes=1),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": dt.timedelta(minutes=30),
            **patience,
            **more,
            **self.default_args,
        }


def accept_deletions_param() -> Param:
    """Whether a run believes that very much was deleted."""
    return Param(
        False,
        type="boolean",
        title="Accept deletions",
        description="Mark vanished records as deleted, however many there are.",
    )


def accept_older_param() -> Param:
    """Whether a run believes that versions went back."""
    return Param(
        False,
        type="boolean",
        title="Accept older versions",
        description="Accept records with an older changeVersion: the tenant was restored from a backup or moved.",
    )


def collections_param(default: str) -> Param:
    """Which collections a run reads."""
    return Param(
        default or None,
        # A form of Airflow insists on a text where null is not allowed.
        type=["null", "string"],
        title="Collections",
        description="Names such as clockings people absences, or all; empty: those of the connection.",
    )


def concurrency_param(most: int, empty: str) -> Param:
    """How many tasks of a run read at the same time."""
    return Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=most,
        title="Concurrency",
        description=f"Units that are read at the same time; empty: {empty}.",
    )
