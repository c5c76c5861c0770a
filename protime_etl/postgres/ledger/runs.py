"""The ledger: runs, what they asked for, and their units of work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.errors import SettingsError
from protime_etl.postgres.tables.engine import runs, units
from protime_etl.work import Counts, DagRun, Request, RunKind, Slice, Unit

__all__ = [
    "cut_unit",
    "enter_units",
    "finish_run",
    "finish_unit",
    "first_failure",
    "open_run",
    "planned_until",
    "read_of_all",
    "read_unit",
    "remove_units",
    "require_run",
    "require_tenant",
    "resume_run",
    "run_counts",
    "started_by",
    "unfinished_backfill",
    "unfinished_parts",
    "unfinished_units",
    "unit_is_done",
    "vanished_in_run",
]

RESUMED_DAYS = 7
LEFT = units.c.status.not_in(("done", "cut"))
COUNT_COLUMNS = tuple(Counts().as_dict())


def open_run(
    connection: Connection,
    tenant: str,
    kind: RunKind,
    selection: Request,
    planned: Iterable[Slice],
    *,
    dag_run: DagRun | None = None,
) -> tuple[int, list[Unit]]:
    """Enter a run with its units; returns its number and the units."""
    started = started_by(kind, dag_run)
    if dag_run is not None:  # a task of Airflow that plans again replaces what it planned before
        connection.execute(
            runs.update()
            .where(runs.c.tenant == tenant, runs.c.status == "running", *_same(started))
            .values(status="failed", finished_at=sa.func.clock_timestamp(), error="planned again")
        )
    run_id: int = connection.execute(
        runs.insert().values(tenant=tenant, **started, **selection.columns()).returning(runs.c.run_id)
    ).scalar_one()
    return run_id, enter_units(connection, run_id, planned, selection.circles)


def started_by(kind: RunKind, dag_run: DagRun | None) -> dict[str, object]:
    """How the tables of runs and of comparisons hold what something is for and what started it."""
    return {
        "kind": kind,
        "started_by": "cli" if dag_run is None else "airflow",
        "dag_id": dag_run and dag_run.dag_id,
        "dag_run_id": dag_run and dag_run.run_id,
    }


def _same(values: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
    """Conditions: the row of a run has these values."""
    return [runs.c[name].is_not_distinct_from(sa.cast(value, runs.c[name].type)) for name, value in values.items()]


def enter_units(
    connection: Connection,
    run_id: int,
    planned: Iterable[Slice],
    circles: tuple[int, ...] = (),
    part_of: int | None = None,
) -> list[Unit]:
    """Enter planned units, or parts of one."""
    values = [
        {
            "run_id": run_id,
            "collection": one.collection,
            "date_from": one.first,
            "date_to": one.last,
            "person_ids": list(one.person_ids),
            "circles": list(circles) or None,
            "part_of": part_of,
        }
        for one in planned
    ]
    if not values:
        return []
    statement = units.insert().returning(units, sort_by_parameter_order=True)
    tenant: str = connection.execute(sa.select(runs.c.tenant).where(runs.c.run_id == run_id)).scalar_one()
    return [_unit(row, tenant) for row in connection.execute(statement, values)]


def remove_units(connection: Connection, unit_ids: Iterable[int]) -> None:
    """Take out units that are not done, also those that an earlier try left as failed: they are planned again."""
    connection.execute(units.delete().where(units.c.unit_id.in_(list(unit_ids)), units.c.status != "done"))


def unfinished_backfill(connection: Connection, tenant: str, selection: Request) -> int | None:
    """The latest backfill of the command line which asked for exactly this within a week and is not done."""
    statement = sa.select(runs.c.run_id).where(
        runs.c.tenant == tenant,
        *_same(started_by(RunKind.BACKFILL, None)),
        runs.c.status != "done",
        runs.c.started_at > sa.func.now() - dt.timedelta(days=RESUMED_DAYS),
        *_same(selection.columns()),
    )
    run_id: int | None = connection.scalar(statement.order_by(runs.c.run_id.desc()).limit(1))
    return run_id


def resume_run(connection: Connection, run_id: int) -> list[Unit]:
    """Let a run go on; returns the units that are not done."""
    connection.execute(
        runs.update().where(runs.c.run_id == run_id).values(status="running", error=None, finished_at=None)
    )
    return unfinished_units(connection, run_id)


def planned_until(connection: Connection, run_id: int) -> dict[str, dt.date]:
    """Collection -> the last day of a run's units."""
    lasts = sa.select(units.c.collection, sa.func.max(units.c.date_to)).where(units.c.run_id == run_id)
    return {row[0]: row[1] for row in connection.execute(lasts.group_by(units.c.collection))}


def unfinished_units(connection: Connection, run_id: int) -> list[Unit]:
    """Units of a run that are not done."""
    left = _OWNED.where(units.c.run_id == run_id, LEFT).order_by(units.c.unit_id)
    return [_unit(row, row.tenant) for row in connection.execute(left)]


def unfinished_parts(connection: Connection, tenant: str, unit_id: int) -> list[Unit]:
    """What is to be pulled of a planned unit: itself, or its parts that are not done; all of it if all is done.

    Raises:
        SettingsError: there is no such unit, or it is one of another tenant.
    """
    planned = read_unit(connection, tenant, unit_id)
    parts = sa.select(units).where(units.c.part_of == unit_id, units.c.status != "cut").order_by(units.c.unit_id)
    found = connection.execute(parts).all()
    wanted = [row for row in found if row.status != "done"] or found
    return [_unit(row, tenant) for row in wanted] or [planned]


def cut_unit(
    connection: Connection,
    unit: Unit,
    parts: Iterable[Slice],
    *,
    counts: Counts,
    seconds: float,
    error: str,
) -> list[Unit]:
    """Enter parts in the place of a unit; returns those that are left to do.

    Its counts say what the tries cost that came to nothing. If another process has cut it already, its parts count.
    """
    planned = unit.part_of or unit.unit_id
    cut = connection.execute(
        units.update()
        .where(units.c.unit_id == unit.unit_id, units.c.status != "cut")
        .values(
            status="cut", finished_at=sa.func.clock_timestamp(), error=error, seconds=seconds, requests=counts.requests
        )
    )
    if cut.rowcount:
        return enter_units(connection, unit.run_id, parts, unit.circles, part_of=planned)
    within = (
        units.c.part_of == planned,
        units.c.date_from >= unit.first,
        units.c.date_to <= unit.last,
        units.c.person_ids.contained_by(list(unit.person_ids)),
    )
    left = sa.select(units).where(*within, LEFT).order_by(units.c.unit_id)
    return [_unit(row, unit.tenant) for row in connection.execute(left)]


_OWNED = sa.select(units, runs.c.tenant).join(runs, runs.c.run_id == units.c.run_id)


def require_tenant(tenant: str, owner: str, what: str) -> None:
    """Refuse to do for one tenant what was planned for another.

    Raises:
        SettingsError: they are not the same.
    """
    if owner != tenant:
        raise SettingsError(
            f"{what} was planned for the tenant {owner}, but the settings are those of {tenant}.",
            guidance="Use the same connection, or settings, for every step of a run.",
        )


def require_run(connection: Connection, tenant: str, run_id: int) -> None:
    """Make sure that the run is one of that tenant.

    Raises:
        SettingsError: it is not, or no run has that number.
    """
    owner = connection.scalar(sa.select(runs.c.tenant).where(runs.c.run_id == run_id))
    if owner is None:
        raise SettingsError(f"There is no run {run_id} in the ledger.", guidance="Clear the plan task of the run.")
    require_tenant(tenant, owner, f"Run {run_id}")


def read_unit(connection: Connection, tenant: str, unit_id: int) -> Unit:
    """The unit of that number.

    Raises:
        SettingsError: no unit has that number, or it is one of another tenant.
    """
    return _read_unit(connection, tenant, unit_id)[0]


def unit_is_done(connection: Connection, tenant: str, unit_id: int) -> bool:
    """Whether the unit was committed, or all of its parts were.

    Raises:
        SettingsError: no unit has that number, or it is one of another tenant.
    """
    status = _read_unit(connection, tenant, unit_id)[1]
    if status != "cut":
        return status == "done"
    return not connection.scalar(sa.select(sa.exists().where(units.c.part_of == unit_id, LEFT)))


def _read_unit(connection: Connection, tenant: str, unit_id: int) -> tuple[Unit, str]:
    row = connection.execute(_OWNED.where(units.c.unit_id == unit_id)).one_or_none()
    if row is None:
        raise SettingsError(f"There is no unit {unit_id} in the ledger.", guidance="Clear the plan task of the run.")
    require_tenant(tenant, row.tenant, f"Unit {unit_id}")
    return _unit(row, row.tenant), row.status


def _unit(row: sa.Row[Any], tenant: str) -> Unit:
    circles = tuple(row.circles or ())
    return Unit(
        row.unit_id,
        row.run_id,
        tenant,
        row.collection,
        tuple(row.person_ids),
        row.date_from,
        row.date_to,
        circles,
        row.part_of,
        row.status == "failed",
    )


def finish_unit(
    connection: Connection,
    unit_id: int,
    counts: Counts,
    seconds: float,
    error: str | None = None,
    *,
    incomplete: bool = False,
    vanished: int = 0,
) -> bool:
    """Enter that a unit is done, or why not; the counts are those of the last try. Returns whether that was entered.

    A unit that was done stays done when a repetition fails: its rows and its coverage are committed. Not so when the
    repetition is committed and `incomplete`.
    """
    overrules = sa.true() if error is None or incomplete else units.c.status != "done"
    entered = connection.execute(
        units.update()
        .where(units.c.unit_id == unit_id, overrules)
        .values(
            status="failed" if error else "done",
            finished_at=sa.func.clock_timestamp(),
            error=error,
            seconds=seconds,
            vanished=vanished,
            **counts.as_dict(),
        )
    )
    return entered.rowcount > 0


def vanished_in_run(connection: Connection, unit: Unit) -> tuple[int, int]:
    """How many records the other units of its run have marked as they vanished, and of how many read or marked.

    Until this transaction ends, no other unit of the run counts.
    """
    run_id = unit.run_id
    connection.execute(sa.select(runs.c.run_id).where(runs.c.run_id == run_id).with_for_update(key_share=True))
    vanished, read = connection.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(units.c.vanished), 0), sa.func.coalesce(sa.func.sum(units.c.rows_read), 0)
        ).where(units.c.run_id == run_id, units.c.unit_id != unit.unit_id)
    ).one()
    return int(vanished), int(vanished + read)


def read_of_all(connection: Connection, run_id: int) -> list[tuple[str, dt.date, dt.date, dt.datetime]]:
    """Collections that a run has read completely of all people: first and last day, and when the run began."""
    rows = connection.execute(
        sa.select(units.c.collection, sa.func.min(units.c.date_from), sa.func.max(units.c.date_to), runs.c.started_at)
        .join(runs, runs.c.run_id == units.c.run_id)
        .where(
            units.c.run_id == run_id,
            runs.c.person_ids.is_(None),
            runs.c.circles.is_(None),
            sa.not_(runs.c.only_missing),
        )
        .group_by(units.c.collection, runs.c.started_at)
        .having(sa.func.bool_and(units.c.status.in_(("done", "cut"))))
        .order_by(units.c.collection)
    )
    return [(path, first, last, began) for path, first, last, began in rows]


def first_failure(connection: Connection, run_id: int, collection: str) -> str | None:
    """Why the first unit of a run failed that did, of that collection if there is one."""
    reason: str | None = connection.scalar(
        sa.select(units.c.error)
        .where(units.c.run_id == run_id, units.c.status == "failed", units.c.error.is_not(None))
        .order_by(units.c.collection != collection, units.c.finished_at)
        .limit(1)
    )
    return reason


def run_counts(connection: Connection, run_id: int) -> tuple[Counts, dict[str, int]]:
    """What the units of a run did together, and how many there are of each status; of one that was cut its parts."""
    sums = connection.execute(
        sa.select(*(sa.func.coalesce(sa.func.sum(units.c[name]), 0) for name in COUNT_COLUMNS)).where(
            units.c.run_id == run_id
        )
    ).one()
    statuses = connection.execute(
        sa.select(units.c.status, sa.func.count())
        .where(units.c.run_id == run_id, units.c.status != "cut")
        .group_by(units.c.status)
    )
    return Counts(*map(int, sums)), {row[0]: row[1] for row in statuses}


def finish_run(connection: Connection, run_id: int, error: str | None = None) -> None:
    """Enter that a run is over: done, or failed with the reason."""
    connection.execute(
        runs.update()
        .where(runs.c.run_id == run_id)
        .values(status="failed" if error else "done", finished_at=sa.func.clock_timestamp(), error=error)
    )
