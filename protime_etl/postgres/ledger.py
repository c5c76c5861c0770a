"""The ledger: runs, their units of work, and which days are covered for whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Engine

from protime_etl.errors import SettingsError
from protime_etl.postgres.load import Counts
from protime_etl.postgres.tables import people, rejected_record, runs, tenants, units

__all__ = [
    "RUN_LOCK",
    "UNIT_LOCK",
    "Lifeline",
    "Unit",
    "cover",
    "finish_run",
    "finish_unit",
    "known_people",
    "lock_coverage",
    "lock_people",
    "mark_under_way",
    "open_run",
    "read_unit",
    "register_tenant",
    "run_counts",
]

COUNT_COLUMNS = tuple(Counts().as_dict())


@dataclass(frozen=True)
class Unit:
    """People x dates, pulled and committed whole or not at all."""

    unit_id: int
    run_id: int
    person_ids: tuple[int, ...]
    first: dt.date
    last: dt.date

    @property
    def label(self) -> str:
        """What a person reads in a list of units."""
        named = f"{self.person_ids[0]}-{self.person_ids[-1]}" if len(self.person_ids) > 1 else f"{self.person_ids[0]}"
        return f"{self.first}..{self.last}, people {named} ({len(self.person_ids)})"


def register_tenant(connection: Connection, tenant: str, timezone: str) -> None:
    """Tell SQL in which time zone the tenant's minutes are read."""
    statement = insert(tenants).values(tenant=tenant, timezone=timezone)
    changed = statement.excluded.timezone.is_distinct_from(tenants.c.timezone)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["tenant"], set_={"timezone": timezone}, where=changed)
    )


def known_people(connection: Connection, tenant: str) -> list[int]:
    """Ids of all people of the tenant that are not deleted, in order, those whose record was rejected included."""
    stored = sa.select(people.c.id).where(people.c.tenant == tenant, people.c.deleted_at.is_(None))
    rejected = sa.select(rejected_record.c.record_id).where(
        rejected_record.c.tenant == tenant,
        rejected_record.c.collection == "people",
        rejected_record.c.record_id.is_not(None),
    )
    return sorted(connection.scalars(stored.union(rejected)))


def open_run(
    connection: Connection,
    tenant: str,
    origin: str,
    dates: tuple[dt.date, dt.date],
    planned: Iterable[tuple[Sequence[int], dt.date, dt.date]],
) -> tuple[int, list[Unit]]:
    """Enter a run with its units, each (person ids, first day, last day); returns its number and the units."""
    if origin != "cli":  # a task of Airflow that plans again replaces what it planned before
        connection.execute(
            runs.update()
            .where(runs.c.tenant == tenant, runs.c.origin == origin, runs.c.status == "running")
            .values(status="failed", finished_at=sa.func.clock_timestamp(), error="planned again")
        )
    run_id: int = connection.execute(
        runs.insert()
        .values(tenant=tenant, origin=origin, date_from=dates[0], date_to=dates[1])
        .returning(runs.c.run_id)
    ).scalar_one()
    entered = []
    for person_ids, first, last in planned:
        unit_id: int = connection.execute(
            units.insert()
            .values(run_id=run_id, date_from=first, date_to=last, person_ids=list(person_ids))
            .returning(units.c.unit_id)
        ).scalar_one()
        entered.append(Unit(unit_id, run_id, tuple(person_ids), first, last))
    return run_id, entered


RUN_LOCK = 7_262_002
"""First half of the advisory lock of a run that lives in one process; the second half is the run's number."""


PEOPLE_LOCK = 7_262_004
UNIT_LOCK = 7_262_003
"""First half of the advisory lock that a unit's transaction holds; the second half is the unit's number."""


class Lifeline:
    """Lets others see that the process of a run lives: a lock that PostgreSQL drops when the process dies.

    It never fails: when the connection breaks, the lock is taken again at the next `hold`.
    """

    def __init__(self, engine: Engine, run_id: int) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._key = {"lock": RUN_LOCK, "run": run_id % 2**31}
        self._connection: Connection | None = None

    def hold(self) -> None:
        """Take the lock, or make sure that it is still there."""
        with suppress(sa.exc.DBAPIError):
            if self._connection is not None:
                try:
                    self._connection.execute(sa.text("SELECT 1"))
                except sa.exc.DBAPIError:
                    self._let_go()
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.execute(sa.text("SELECT pg_advisory_lock_shared(:lock, :run)"), self._key)

    def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(sa.exc.DBAPIError):
                self._connection.invalidate()  # not back to the pool: closing it is what drops the lock
                self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        self.hold()
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()


def mark_under_way(connection: Connection, unit_id: int) -> None:
    """Let others see that this transaction works on the unit."""
    key = {"lock": UNIT_LOCK, "unit": unit_id % 2**31}
    connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:lock, :unit)"), key)


def lock_people(connection: Connection, tenant: str) -> None:
    """Let nobody else read the tenant's people until this transaction ends: it is short, and so none is outdated."""
    connection.execute(
        sa.text("SELECT pg_advisory_xact_lock(:lock, hashtext(:tenant))"), {"lock": PEOPLE_LOCK, "tenant": tenant}
    )


def lock_coverage(connection: Connection, tenant: str, unit: Unit) -> None:
    """Let nobody else finish a unit of these people until this transaction ends: merges see each other's results."""
    parameters = {"tenant": tenant, "people": list(unit.person_ids)}
    connection.execute(
        sa.text(
            "INSERT INTO protime_etl.coverage (tenant, person_id, dates, read_at)"
            " SELECT :tenant, person_id, '{}', '-infinity' FROM unnest(CAST(:people AS bigint[])) AS person_id"
            " ORDER BY person_id ON CONFLICT DO NOTHING"
        ),
        parameters,
    )
    connection.execute(
        sa.text(
            "SELECT FROM protime_etl.coverage WHERE tenant = :tenant AND person_id = ANY(:people)"
            " ORDER BY person_id FOR UPDATE"
        ),
        parameters,
    )


def read_unit(connection: Connection, unit_id: int) -> Unit:
    """The unit of that number.

    Raises:
        SettingsError: there is none.
    """
    row = connection.execute(sa.select(units).where(units.c.unit_id == unit_id)).one_or_none()
    if row is None:
        raise SettingsError(f"There is no unit {unit_id} in the ledger.", guidance="Clear the plan task of the run.")
    return Unit(row.unit_id, row.run_id, tuple(row.person_ids), row.date_from, row.date_to)


def finish_unit(connection: Connection, unit_id: int, counts: Counts, error: str | None = None) -> None:
    """Enter that a unit is done, or why not; the counts are those of the last try.

    A unit that was done stays done when a repetition fails: its rows and its coverage are committed.
    """
    connection.execute(
        units.update()
        .where(units.c.unit_id == unit_id, sa.true() if error is None else units.c.status != "done")
        .values(
            status="failed" if error else "done", finished_at=sa.func.clock_timestamp(), error=error, **counts.as_dict()
        )
    )


def cover(connection: Connection, tenant: str, unit: Unit, first: dt.date, last: dt.date) -> None:
    """Enter that these days have been completely pulled for the unit's people, in the order of their ids."""
    connection.execute(
        sa.text(
            "INSERT INTO protime_etl.coverage AS c (tenant, person_id, dates, read_at)"
            " SELECT :tenant, person_id, datemultirange(daterange(:first, :last, '[]')), statement_timestamp()"
            " FROM unnest(CAST(:people AS bigint[])) AS person_id ORDER BY person_id"
            " ON CONFLICT (tenant, person_id) DO UPDATE SET dates = c.dates + excluded.dates,"
            " read_at = excluded.read_at"
        ),
        {"tenant": tenant, "first": first, "last": last, "people": list(unit.person_ids)},
    )


def run_counts(connection: Connection, run_id: int) -> tuple[Counts, dict[str, int]]:
    """What the units of a run did together, and how many there are of each status."""
    sums = connection.execute(
        sa.select(*(sa.func.coalesce(sa.func.sum(units.c[name]), 0) for name in COUNT_COLUMNS)).where(
            units.c.run_id == run_id
        )
    ).one()
    statuses = connection.execute(
        sa.select(units.c.status, sa.func.count()).where(units.c.run_id == run_id).group_by(units.c.status)
    )
    return Counts(*map(int, sums)), {row[0]: row[1] for row in statuses}


def finish_run(connection: Connection, run_id: int, error: str | None = None) -> None:
    """Enter that a run is over: done, or failed with the reason."""
    connection.execute(
        runs.update()
        .where(runs.c.run_id == run_id)
        .values(status="failed" if error else "done", finished_at=sa.func.clock_timestamp(), error=error)
    )
