"""How runs, comparisons and polls went, kept for a year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.ledger.runs import started_by
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.proofs import delta_polls, verifications
from protime_etl.work import DagRun, RunKind

__all__ = ["forget_old", "keep_poll", "keep_verification", "requests_by"]

OLD = {"runs": "started_at", "verifications": "finished_at", "delta_polls": "finished_at", "written_days": "written_at"}
"""Tables, and since when a row of them is old; the units go with their runs."""


def keep_verification(
    stored: Stored,
    *,
    kind: RunKind,
    dag_run: DagRun | None,
    days: tuple[dt.date, dt.date] | None,
    totals: Mapping[str, int],
) -> None:
    """Keep what a comparison found, for a year."""
    first, last = days or (None, None)
    stored.connection.execute(
        verifications.insert().values(
            **stored.key,
            **started_by(kind, dag_run),
            date_from=first,
            date_to=last,
            finished_at=sa.func.clock_timestamp(),
            **totals,
        )
    )


def requests_by(connection: Connection, tenant: str, dag_run: DagRun) -> int:
    """Requests that comparisons of that run of Airflow took in the last day."""
    taken = sa.select(sa.func.coalesce(sa.func.sum(verifications.c.requests), 0)).where(
        verifications.c.tenant == tenant,
        verifications.c.dag_id == dag_run.dag_id,
        verifications.c.dag_run_id == dag_run.run_id,
        verifications.c.finished_at > sa.func.clock_timestamp() - sa.text("interval '1 day'"),
    )
    return int(connection.scalar(taken) or 0)


def keep_poll(stored: Stored, seconds: float, **figures: object) -> None:
    """Keep how a poll of a delta went, for a year."""
    values = {"finished_at": sa.func.clock_timestamp(), "seconds": seconds, **figures}
    stored.connection.execute(delta_polls.insert().values(stored.key | values))


def forget_old(connection: Connection, tenant: str) -> None:
    """Forget runs with their units, comparisons, polls and notes of what was written, all of more than a year ago.

    What is known of the data stays: it is a state, and hangs on none of these.
    """
    for table, at in OLD.items():
        connection.execute(text("forget_old", table=table, at=at), {"tenant": tenant})
