"""What the page asks of the warehouse: within seconds, and in transactions that can write nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from protime_etl.airflow.page.calendar import DAYS, Calendar, calendar_of
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.connection import create_engine, database_errors
from protime_etl.postgres.facts import Row, read_facts
from protime_etl.postgres.health import Health, judge
from protime_etl.postgres.schema import require_schema

__all__ = ["Seen", "read_tenants"]

PATIENCE = "5s"
CONNECT_SECONDS = "3"
NIGHTLY, BACKFILL = "_clockings_nightly", "_clockings_backfill"
DEFAULT_NIGHTLY = f"protime{NIGHTLY}"
# The newest run of everybody says what is read of a tenant every night, and by which DAG.
NIGHTS = """
SELECT DISTINCT ON (tenant) tenant, collections,
    CASE WHEN origin LIKE 'airflow %' THEN split_part(origin, ' ', 2) END AS dag_id
FROM protime_etl.runs
WHERE person_ids IS NULL AND circles IS NULL AND NOT only_missing
    AND origin NOT LIKE '% repair' AND origin NOT LIKE '% unlisted' AND origin NOT LIKE '%backfill%'
ORDER BY tenant, origin LIKE 'airflow %' DESC, run_id DESC
"""
TODAY = "SELECT tenant, today FROM protime.tenants"
CALENDAR = """
SELECT c.tenant, c.date, c.people_covered, c.people_missing, c.last_read, p.proven_at, coalesce(p.differences, 0)
    AS differences
FROM protime.coverage AS c
LEFT JOIN protime.proof AS p ON p.tenant = c.tenant AND p.date = c.date AND p.collection = 'clockings'
WHERE c.date BETWEEN :first AND :last
"""


@dataclass(frozen=True)
class Seen:
    """What the page shows of a tenant; moments are those of its time zone."""

    health: Health
    timezone: str
    nightly: str
    """The DAG whose runs somebody has to be allowed to see."""
    backfill: str | None
    """The DAG that reads what is missing; None where none of ours is known."""
    today: dt.date
    facts: Mapping[str, Sequence[Row]]
    calendar: Calendar | None
    """None if it takes the warehouse too long."""

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.timezone)


def read_tenants(url: URL, until: dt.date | None = None) -> list[Seen]:
    """Everything about all tenants, with the year that ends on that day, or else today.

    Raises:
        DatabaseError: the warehouse cannot be reached, is too slow, or has no schema.
    """
    engine = create_engine(url.update_query_dict({"connect_timeout": CONNECT_SECONDS}))
    try:
        require_schema(engine)
        with database_errors(url), _asking(engine) as connection:
            nights = {row["tenant"]: dict(row) for row in connection.execute(sa.text(NIGHTS)).mappings()}
            paths = {path for night in nights.values() for path in night["collections"]} & {*COLLECTIONS}
            facts = read_facts(connection, sorted(paths | {"clockings", "people"}))
            todays: dict[str, dt.date] = {row.tenant: row.today for row in connection.execute(sa.text(TODAY))}
        last = until or max(todays.values(), default=dt.date.min)
        days = _days(engine, last) if todays else None
    finally:
        engine.dispose()
    seen = []
    for row in facts["tenants"]:
        today = todays[row["tenant"]]
        drawn = None if days is None else (days.get(row["tenant"], {}), last)
        seen.append(_seen(row, facts, nights.get(row["tenant"], {}), today, drawn))
    return seen


@contextmanager
def _asking(engine: Engine) -> Iterator[Connection]:
    """A transaction that can write nothing, and whose statements end soon."""
    with engine.connect() as raw:
        connection = raw.execution_options(postgresql_readonly=True)
        connection.execute(sa.text("SELECT set_config('statement_timeout', :patience, true)"), {"patience": PATIENCE})
        yield connection


def _days(engine: Engine, last: dt.date) -> dict[str, dict[dt.date, Row]] | None:
    """What is known of each day of each tenant; None if that takes too long."""
    found: dict[str, dict[dt.date, Row]] = {}
    try:
        with _asking(engine) as connection:
            values = {"first": last - dt.timedelta(days=DAYS), "last": last}
            for row in connection.execute(sa.text(CALENDAR), values).mappings():
                found.setdefault(row["tenant"], {})[row["date"]] = dict(row)
    except sa.exc.OperationalError:
        return None
    return found


def _seen(
    tenant: Row,
    facts: Mapping[str, Sequence[Row]],
    night: Row,
    today: dt.date,
    drawn: tuple[Mapping[dt.date, Row], dt.date] | None,
) -> Seen:
    name, zone = tenant["tenant"], ZoneInfo(tenant["timezone"])
    paths = [path for path in night.get("collections", ()) if path in COLLECTIONS] or ["clockings"]
    nightly = night.get("dag_id")
    return Seen(
        judge(name, facts, paths),
        tenant["timezone"],
        nightly or DEFAULT_NIGHTLY,
        f"{nightly.removesuffix(NIGHTLY)}{BACKFILL}" if nightly and nightly.endswith(NIGHTLY) else None,
        today,
        {kind: [_local(row, zone) for row in rows if row["tenant"] == name] for kind, rows in facts.items()},
        None
        if drawn is None
        else calendar_of({day: _local(row, zone) for day, row in drawn[0].items()}, drawn[1], today),
    )


def _local(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    return {name: value.astimezone(zone) if _is_moment(value) else value for name, value in row.items()}


def _is_moment(value: object) -> bool:
    return isinstance(value, dt.datetime) and value.tzinfo is not None
