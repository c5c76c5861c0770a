"""What the page asks of the warehouse: within seconds, and in transactions that can write nothing."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from protime_etl.airflow.page.calendar import DAYS, Calendar, calendar_of
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.people import PEOPLE
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.counted import counted
from protime_etl.postgres.book_days import days_of
from protime_etl.postgres.connection import create_engine, database_errors
from protime_etl.postgres.facts import Facts, Row, read_facts, rows_until
from protime_etl.postgres.health import Health, is_about, judge
from protime_etl.postgres.problems import Missing, Problem
from protime_etl.postgres.schema import require_schema

__all__ = ["Seen", "read_tenants"]

PATIENCE = "5s"
SECONDS = 12.0
"""For all facts and the calendar together; then what is known by then is shown."""
CONNECT_SECONDS = "3"
FIRST_DAY = dt.date(2000, 1, 1)
OURS = re.compile(r"_clockings_(nightly|changes|backfill)$")
# The DAGs that read each tenant, the newest of ours before those of anybody's own.
DAGS = r"""
SELECT DISTINCT ON (tenant) tenant, split_part(origin, ' ', 2) AS dag_id, run_id FROM protime_etl.runs
WHERE origin LIKE 'airflow %'
ORDER BY tenant, split_part(origin, ' ', 2) ~ '_clockings_(nightly|changes|backfill)$' DESC, run_id DESC
"""
# What is read of each tenant every night: by its schedule if there is one, as somebody may try another by hand.
READ = r"""
SELECT DISTINCT ON (tenant) tenant, collections || ARRAY(
        SELECT s.collection FROM protime_etl.collection_state AS s
        WHERE s.tenant = r.tenant AND s.read_at > clock_timestamp() - interval '8 days'
    ) AS collections
FROM protime_etl.runs AS r
WHERE person_ids IS NULL AND circles IS NULL AND NOT only_missing
    AND origin !~ ' (repair|unlisted)$' AND origin !~ '^(cli |airflow \S+_clockings_)backfill'
ORDER BY tenant, origin ~ '^airflow \S+_clockings_nightly scheduled__'
    AND started_at > clock_timestamp() - interval '8 days' DESC, run_id DESC
"""
# The newest night of each tenant, and what it brought.
NIGHTS = r"""
SELECT n.*,
    (SELECT count(DISTINCT person_id) FROM protime_etl.units AS u, unnest(u.person_ids) AS person_id
        WHERE u.run_id = n.run_id AND u.status = 'done' AND person_id > 0) AS people,
    (SELECT coalesce(sum(u.rows_read), 0)::bigint FROM protime_etl.units AS u
        WHERE u.run_id = n.run_id AND u.status = 'done' AND u.collection = 'clockings') AS clockings
FROM (
    SELECT DISTINCT ON (tenant) tenant, run_id, origin, status, started_at FROM protime_etl.runs
    WHERE origin ~ '^airflow \S+_clockings_nightly \S+$' ORDER BY tenant, run_id DESC
) AS n
"""
TODAY = "SELECT tenant, timezone, today FROM protime.tenants ORDER BY tenant"
READS = """
SELECT r.tenant, u.date_from AS first, u.date_to AS last, max(u.finished_at) AS at
FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
WHERE u.status = 'done' AND u.circles IS NULL AND u.collection = 'clockings' AND u.date_to >= :first
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Seen:
    """What the page shows of a tenant; moments are those of its time zone."""

    health: Health
    timezone: str
    dag_id: str | None
    """The DAG whose runs somebody has to be allowed to see; None where Airflow has read nothing: all runs."""
    backfill: str | None
    """The DAG that reads what is missing; None where none of ours reads this tenant now."""
    facts: Facts
    calendar: Calendar | None
    """None if it takes the warehouse too long."""
    night: Row | None
    """The newest run of its nightly DAG, with the number of people and of clockings; None if there is none."""

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.timezone)

    @property
    def verdict(self) -> tuple[str, str]:
        """The class and the text of the badge: never OK above days that are not complete."""
        if self.health.problems:
            return "error", "Needs attention"
        if not self.health.ok:
            return "error", "Not known"
        if self.calendar is not None and self.calendar.days_missing:
            return "error", f"{counted(self.calendar.days_missing, 'day')} not complete"
        return "ok", "OK"

    @property
    def failed_run(self) -> tuple[str, str] | None:
        """DAG and run of the newest run of Airflow that failed."""
        for run in self.facts.get("runs", ()):
            parts = run["origin"].split(" ")
            if run["status"] in ("failed", "died") and parts[0] == "airflow" and len(parts) == 3:
                return parts[1], parts[2]
        return None

    @property
    def cards(self) -> list[tuple[Problem, Missing | None]]:
        """The problems, each with what its button fills, unless another's does; without notes about a part of one."""
        filled: list[Missing] = []
        cards: list[tuple[Problem, Missing | None]] = []
        for problem in self.health.found:
            days = problem.missing
            if days and any(_within(days, other) for other in filled):
                if problem.level == "note":
                    continue
                days = None
            if days:
                filled.append(days)
            cards.append((problem, days))
        return cards


def read_tenants(url: URL, until: dt.date | None = None) -> list[Seen]:
    """Everything about all tenants, with the year that ends on that day, or else today.

    Raises:
        DatabaseError: the warehouse cannot be reached, is too slow, or has no schema.
    """
    engine = create_engine(url.update_query_dict({"connect_timeout": CONNECT_SECONDS}))
    end = time.monotonic() + SECONDS
    try:
        require_schema(engine)
        with database_errors(url), _asking(engine) as connection:
            tenants = connection.execute(sa.text(TODAY)).all()
            read = {row.tenant: _known(row.collections) for row in connection.execute(sa.text(READ))}
            dags = {row.tenant: (row.dag_id, row.run_id) for row in connection.execute(sa.text(DAGS))}
            lasts = {row.tenant: min(until or row.today, row.today) for row in tenants}
            since = {"first": min(lasts.values(), default=FIRST_DAY) - dt.timedelta(days=DAYS)}
            reads = rows_until(connection, min(end, time.monotonic() + 1), READS, since) or ()
            paths = {"clockings", PEOPLE.path}.union(*read.values())
            nights = rows_until(connection, min(end, time.monotonic() + 1), NIGHTS, {}) or ()
            facts = read_facts(connection, sorted(paths), within=end - time.monotonic())
    finally:
        engine.dispose()
    newest: dict[str, int] = {}
    for dag_id, run_id in dags.values():
        newest[_family(dag_id)] = max(run_id, newest.get(_family(dag_id), 0))
    seen = []
    for tenant, timezone, today in tenants:
        zone = ZoneInfo(timezone)
        chosen = read.get(tenant, ["clockings"])
        health = judge(tenant, facts, chosen)
        drawn = None
        if not health.too_slow & {"book", "proof_days"}:
            first = lasts[tenant] - dt.timedelta(days=DAYS)
            of_days = days_of(facts, tenant, CLOCKINGS.path, first, lasts[tenant])
            read_at = [row for row in reads if row["tenant"] == tenant]
            known = {row["date"]: _local(_with_last_read(row, read_at), zone) for row in of_days}
            drawn = calendar_of(known, lasts[tenant], today, _failed(health))
        night = next((_local(row, zone) for row in nights if row["tenant"] == tenant), None)
        dag_ids = _dags(dags.get(tenant), newest)
        seen.append(Seen(health, timezone, *dag_ids, _of(tenant, chosen, facts, zone), drawn, night))
    return seen


def _failed(health: Health) -> list[tuple[dt.date, dt.date]]:
    """The days of clockings that a problem is about."""
    about = [one.missing for one in health.problems if one.missing]
    return [(one.first, one.last) for one in about if not one.collections or "clockings" in one.collections.split(",")]


def _within(days: Missing, other: Missing) -> bool:
    """Whether a backfill of the other days reads these, too."""
    collections = {*(days.collections or "clockings").split(",")}
    return other.first <= days.first <= days.last <= other.last and collections <= {
        *(other.collections or "clockings").split(",")
    }


@contextmanager
def _asking(engine: Engine) -> Iterator[Connection]:
    """A transaction that can write nothing, and whose statements end soon."""
    with engine.connect() as raw:
        connection = raw.execution_options(postgresql_readonly=True)
        connection.execute(sa.text("SELECT set_config('statement_timeout', :patience, true)"), {"patience": PATIENCE})
        yield connection


def _known(paths: Iterable[str]) -> list[str]:
    """Those that this release knows, clockings at least."""
    return sorted({path for path in paths if path in COLLECTIONS and path != PEOPLE.path}) or ["clockings"]


def _family(dag_id: str) -> str:
    """What the DAGs of a tenant have in common."""
    return OURS.sub("", dag_id)


def _dags(known: tuple[str, int] | None, newest: Mapping[str, int]) -> tuple[str | None, str | None]:
    """The DAG whose runs are to be seen, and the one that fills holes: by those that read the tenant now."""
    if known is None:
        return None, None
    dag_id, run_id = known
    if not OURS.search(dag_id):
        return dag_id, None
    # The same DAGs may read another tenant since, as after their connection was changed.
    fills = run_id == newest[_family(dag_id)]
    return f"{_family(dag_id)}_clockings_nightly", f"{_family(dag_id)}_clockings_backfill" if fills else None


def _with_last_read(day: Row, reads: Sequence[Row]) -> Row:
    """What is known of a day, and when it was last read."""
    moments = (one["at"] for one in reads if one["first"] <= day["date"] <= one["last"])
    return {**day, "last_read": max(moments, default=None)}


def _of(tenant: str, paths: Sequence[str], facts: Facts, zone: ZoneInfo) -> dict[str, list[Row]]:
    """What there is of a tenant and of what is read of it."""
    return {
        kind: [_local(row, zone) for row in rows if is_about(row, tenant, [*paths, PEOPLE.path])]
        for kind, rows in facts.items()
        if kind not in ("book", "proof_days")
    }


def _local(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    return {name: value.astimezone(zone) if _is_moment(value) else value for name, value in row.items()}


def _is_moment(value: object) -> bool:
    return isinstance(value, dt.datetime) and value.tzinfo is not None
