"""How much there is and how fast it comes: records stored, records of a usual day, seconds of a request."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.engine import runs, units
from protime_etl.postgres.tables.records import RECORD_TABLES
from protime_etl.work import RunKind

__all__ = ["longest", "requests_of_last_run", "seconds_per_request", "stored_records", "usual_amounts"]

KNOWN_DAYS = 28
NIGHT_DAYS = 31
"""What reads more at once is no night, and no measure of one."""
SAMPLED_PEOPLE = 300
LEAST_DAYS = 31
"""What is not known yet may be so long."""
LONGEST_DAYS = 366
"""A record that reaches further than a year before its window is found by a backfill of that day."""


def stored_records(stored: Stored) -> int:
    """How many records of a collection are stored and not deleted."""
    table = RECORD_TABLES[stored.collection.path]
    live = sa.select(sa.func.count()).where(table.c.tenant == stored.tenant, table.c.deleted_at.is_(None))
    return int(stored.connection.scalar(live) or 0)


def seconds_per_request(connection: Connection, tenant: str) -> float | None:
    """Seconds that a request took lately, with all that goes with it; None where nothing was read yet."""
    recent = (
        sa.select(units.c.seconds, units.c.requests)
        .join(runs, runs.c.run_id == units.c.run_id)
        .where(runs.c.tenant == tenant, units.c.status == "done", units.c.requests > 0, units.c.seconds.is_not(None))
        .order_by(units.c.unit_id.desc())
        .limit(100)
        .subquery()
    )
    found: float | None = connection.scalar(sa.select(sa.func.sum(recent.c.seconds) / sa.func.sum(recent.c.requests)))
    return found


def requests_of_last_run(connection: Connection, tenant: str) -> int:
    """Requests of the units of the last run that read all people of a night's window; 0 if there was none."""
    last = (
        sa.select(sa.func.max(runs.c.run_id))
        .where(
            runs.c.tenant == tenant,
            runs.c.status == "done",
            runs.c.person_ids.is_(None),
            runs.c.circles.is_(None),
            runs.c.kind.not_in((RunKind.BACKFILL, RunKind.REPAIR)),
            runs.c.date_to - runs.c.date_from <= NIGHT_DAYS,
        )
        .scalar_subquery()
    )
    query = sa.select(sa.func.coalesce(sa.func.sum(units.c.requests), 0)).where(units.c.run_id == last)
    return int(connection.scalar(query) or 0)


def usual_amounts(stored: Stored) -> dict[int, tuple[float, float]]:
    """Weekday (0 is Monday) to (records, person-days), of some people in the last four weeks that were covered."""
    collection = stored.collection
    same_person = "c.person_id = held.person_id" if collection.by_people else "true"
    statement = text("usual_amounts", table=collection.table, same_person=same_person, day=str(collection.day))
    rows = stored.execute(statement, days=KNOWN_DAYS, people=SAMPLED_PEOPLE)
    return {row[0]: (row[1], row[2]) for row in rows}


def longest(stored: Stored) -> dt.timedelta:
    """How long before its window a record may begin that reaches into it; no time where records are of one day."""
    if not stored.collection.reaches:
        return dt.timedelta()
    days = stored.execute("longest", least=LEAST_DAYS).scalar()
    return dt.timedelta(days=min(LONGEST_DAYS, days or LEAST_DAYS))
