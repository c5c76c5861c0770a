"""What the page asks of the warehouse: within seconds, and in transactions that can write nothing."""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Timer
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from protime_etl.airflow.page.calendar import DAYS, Calendar, calendar_of
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.people import PEOPLE
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.counted import counted
from protime_etl.postgres.book.days import days_of
from protime_etl.postgres.health.facts import Facts, Row, read_facts, rows_until
from protime_etl.postgres.health.problems import Missing, Problem
from protime_etl.postgres.health.verdict import Health, is_about, judge
from protime_etl.postgres.schema.upgrade import require_schema
from protime_etl.postgres.server.connection import create_engine, database_errors
from protime_etl.postgres.server.statements import text, text_of
from protime_etl.setting_values import zone_of
from protime_etl.work import RunKind

__all__ = ["Owner", "Seen", "read_owners", "read_tenants"]

log = logging.getLogger(__name__)

PATIENCE = "5s"
SECONDS = 12.0
"""For all facts and the calendar together; then what is known by then is shown."""
CONNECT_SECONDS = "3"
MARGIN = 3.0
"""Seconds after which a socket is closed whose server should have answered: a server that hangs keeps no time-out."""
FIRST_DAY = dt.date(2000, 1, 1)
OURS = re.compile(r"_clockings_(nightly|changes|backfill)$")
TENANTS = "SELECT tenant FROM protime_etl.tenants ORDER BY tenant"


class Owner(NamedTuple):
    """The DAGs of a tenant."""

    dag_id: str | None
    """The DAG whose runs a user has to be allowed to see; None where Airflow has read nothing: all runs."""
    backfill: str | None
    """The DAG that reads what is missing; None where none of ours reads this tenant now."""


@dataclass(frozen=True)
class Seen:
    """What the page shows of a tenant; moments are those of its time zone."""

    health: Health
    zone: ZoneInfo
    """UTC where its own is not known."""
    dag_id: str | None
    """As of its `Owner`."""
    backfill: str | None
    facts: Facts
    calendar: Calendar | None
    """None if it takes the warehouse too long."""
    night: Row | None
    """The newest run of its nightly DAG, with the number of people and of clockings; None without a run."""

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
            if run["status"] in ("failed", "died") and run["dag_id"] and RunKind(run["kind"]).is_requested:
                return run["dag_id"], run["dag_run_id"]
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


def read_owners(url: URL) -> dict[str, Owner]:
    """All tenants, with the DAGs that read them; two small questions.

    Raises:
        DatabaseError: as `read_tenants`.
    """
    with _asking(url) as connection:
        tenants = connection.scalars(sa.text(TENANTS)).all()
        dags = {row.tenant: (row.dag_id, row.run_id) for row in connection.execute(text("dags_of_tenants"))}
    newest: dict[str, int] = {}
    for dag_id, run_id in dags.values():
        newest[_family(dag_id)] = max(run_id, newest.get(_family(dag_id), 0))
    return {tenant: _owner(dags.get(tenant), newest) for tenant in tenants}


def read_tenants(url: URL, until: dt.date | None = None, owners: Mapping[str, Owner] | None = None) -> list[Seen]:
    """Everything about these tenants, or all, with the year that ends on that day, or else today.

    Raises:
        DatabaseError: the warehouse cannot be reached, is too slow, or has no schema.
    """
    end = time.monotonic() + SECONDS
    owners = read_owners(url) if owners is None else owners
    last = min(until or dt.date.max, dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1))
    since = {"first": max(FIRST_DAY, last - dt.timedelta(days=DAYS + 1))}
    with _asking(url) as connection:
        read = {row.tenant: _known(row.collections) for row in connection.execute(text("read_every_night"))}
        reads = rows_until(connection, min(end, time.monotonic() + 1), text_of("read_days"), since) or ()
        paths = {"clockings", PEOPLE.path}.union(*read.values())
        nights = rows_until(connection, min(end, time.monotonic() + 1), text_of("newest_nights"), {}) or ()
        facts = read_facts(connection, sorted(paths), within=end - time.monotonic())
    facts |= {"reads": [*reads], "nights": [*nights]}
    seen = []
    for tenant, owner in owners.items():
        of_tenant = {name: [row for row in rows if row.get("tenant", tenant) == tenant] for name, rows in facts.items()}
        chosen = read.get(tenant, ["clockings"])
        try:
            seen.append(_seen(tenant, owner, chosen, of_tenant, until))
        except Exception as error:  # whatever a row may hold: the others are shown
            log.exception("The tenant %s cannot be shown", tenant)
            health = Health(
                tenant, f"cannot be shown ({type(error).__name__})", None, None, too_slow=frozenset(["book"])
            )
            seen.append(Seen(health, ZoneInfo("UTC"), *owner, {name: [] for name in facts}, None, None))
    return seen


def _seen(
    tenant: str,
    owner: Owner,
    chosen: Sequence[str],
    facts: Facts,
    until: dt.date | None,
) -> Seen:
    known = next(iter(facts["tenants"]), None)
    zone = zone_of(known["timezone"] if known else "UTC")
    today = known["today"] if known else dt.datetime.now(dt.UTC).date()
    last = min(until or today, today)
    health = judge(tenant, facts, chosen)
    drawn = None
    if not health.too_slow & {"book", "proof_days"}:
        of_days = days_of(facts, tenant, CLOCKINGS.path, last - dt.timedelta(days=DAYS), last)
        days = {row["date"]: _local(_with_last_read(row, facts["reads"]), zone) for row in of_days}
        drawn = calendar_of(days, last, today, _failed(health))
    night = next((_local(row, zone) for row in facts["nights"]), None)
    return Seen(health, zone, *owner, _of(tenant, chosen, facts, zone), drawn, night)


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
def _asking(url: URL) -> Iterator[Connection]:
    """A transaction that can write nothing, and whose statements end soon: its sockets are closed after their time.

    Raises:
        DatabaseError: as `read_tenants`.
    """
    engine = create_engine(url.update_query_dict({"connect_timeout": CONNECT_SECONDS}))
    sockets: list[socket.socket] = []

    def opened(driver: Any, _record: object) -> None:
        sockets.append(socket.socket(fileno=os.dup(driver.fileno())))

    def hang_up() -> None:
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    # Before the first statement on a connection: a server that hangs knows of no time-out.
    sa.event.listen(engine, "connect", opened, insert=True)
    timer = Timer(SECONDS + MARGIN, hang_up)
    timer.daemon = True
    timer.start()
    try:
        require_schema(engine)
        with database_errors(url), engine.connect() as raw:
            connection = raw.execution_options(postgresql_readonly=True)
            patience = {"patience": PATIENCE}
            connection.execute(sa.text("SELECT set_config('statement_timeout', :patience, true)"), patience)
            yield connection
    finally:
        timer.cancel()
        engine.dispose()
        for one in sockets:
            one.close()


def _known(paths: Iterable[str]) -> list[str]:
    """Those that this release knows, clockings at least."""
    return sorted({path for path in paths if path in COLLECTIONS and path != PEOPLE.path}) or ["clockings"]


def _family(dag_id: str) -> str:
    """What the DAGs of a tenant have in common."""
    return OURS.sub("", dag_id)


def _owner(known: tuple[str, int] | None, newest: Mapping[str, int]) -> Owner:
    """By the DAGs that read the tenant now."""
    if known is None:
        return Owner(None, None)
    dag_id, run_id = known
    if not OURS.search(dag_id):
        return Owner(dag_id, None)
    # The same DAGs may read another tenant since, as after their connection was changed.
    fills = run_id == newest[_family(dag_id)]
    return Owner(f"{_family(dag_id)}_clockings_nightly", f"{_family(dag_id)}_clockings_backfill" if fills else None)


def _with_last_read(day: Row, reads: Sequence[Row]) -> Row:
    """What is known of a day, and when it was last read."""
    moments = (one["at"] for one in reads if one["first"] <= day["date"] <= one["last"])
    return {**day, "last_read": max(moments, default=None)}


def _of(tenant: str, paths: Sequence[str], facts: Facts, zone: ZoneInfo) -> dict[str, list[Row]]:
    """What there is of a tenant and of what is read of it."""
    return {
        kind: [_local(row, zone) for row in rows if is_about(row, tenant, [*paths, PEOPLE.path])]
        for kind, rows in facts.items()
        if kind not in ("book", "proof_days", "reads", "nights")
    }


def _local(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    return {name: value.astimezone(zone) if _is_moment(value) else value for name, value in row.items()}


def _is_moment(value: object) -> bool:
    return isinstance(value, dt.datetime) and value.tzinfo is not None
