"""The pause that the API asked for and the budget of requests, shared by all processes through PostgreSQL.

Times are the database's, the only clock that all share.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.postgres.server.transactions import read_alone, reading, transaction

__all__ = ["KnownPause", "SharedPause", "lift_pause", "read_pauses"]

LONGEST_SECONDS = 1e9  # thirty years: what PostgreSQL can add to a time, and Python can show


class SharedPause:
    """Until when no process asks this tenant, and which slot is free; for all processes that share the warehouse."""

    def __init__(self, engine: Engine, tenant: str, requests_per_second: float | None = None) -> None:
        self._engine = engine
        # Asked before every request: one statement, whose answer no setting of a role changes, and no transaction.
        self._asking = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._tenant = {"tenant": tenant}
        self.share = 1 / requests_per_second if requests_per_second else 0.0
        """Seconds between one request and the next; 0 without a budget."""

    def remaining(self) -> float:
        """Seconds until a request may be sent again; 0 when there is no pause."""
        query = sa.text(
            "SELECT extract(epoch FROM until - clock_timestamp())::float8 FROM protime_etl.pauses"
            " WHERE tenant = :tenant AND until > clock_timestamp()"
        )
        return max(0.0, read_alone(self._asking, query, self._tenant) or 0.0)

    def extend(self, seconds: float, asked: float) -> None:
        """Let no process ask for that long from now, or for as long as was known before, whichever ends later.

        `asked` is how many seconds the answer named; it is kept to be shown.
        """
        statement = sa.text(
            "INSERT INTO protime_etl.pauses AS p (tenant, until, asked_until)"
            " VALUES (:tenant, clock_timestamp() + make_interval(secs => :seconds),"
            " clock_timestamp() + make_interval(secs => :asked))"
            " ON CONFLICT (tenant) DO UPDATE SET until = greatest(p.until, excluded.until), asked_until ="
            " greatest(excluded.asked_until, CASE WHEN p.until > clock_timestamp() THEN p.asked_until END)"
        )
        given = {**self._tenant, "seconds": seconds, "asked": min(asked, LONGEST_SECONDS)}
        with transaction(self._engine) as connection:
            connection.execute(statement, given)

    def reserve_slot(self, patience: float) -> float:
        """Seconds until the next free slot within the budget of requests; 0 without a budget.

        It is reserved for the caller, unless it is more than `patience` seconds away. Slots are given out one after the
        other, a request's share of a second apart, in the order of asking.
        """
        if not self.share:
            return 0.0
        taken = sa.text(
            "INSERT INTO protime_etl.pauses AS p (tenant, until, next_slot)"
            " VALUES (:tenant, '-infinity', clock_timestamp() + make_interval(secs => :share))"
            " ON CONFLICT (tenant) DO UPDATE"
            " SET next_slot = greatest(p.next_slot, clock_timestamp()) + make_interval(secs => :share)"
            " WHERE p.next_slot IS NULL OR p.next_slot <= clock_timestamp() + make_interval(secs => :patience)"
            " RETURNING extract(epoch FROM next_slot - clock_timestamp())::float8 - :share"
        )
        free = sa.text(
            "SELECT extract(epoch FROM next_slot - clock_timestamp())::float8 FROM protime_etl.pauses"
            " WHERE tenant = :tenant"
        )
        given = {**self._tenant, "share": self.share, "patience": min(patience, LONGEST_SECONDS)}
        with transaction(self._engine) as connection:
            away = connection.scalar(taken, given)
            if away is None:
                away = connection.scalar(free, self._tenant)
            return max(0.0, away or 0.0)


@dataclass(frozen=True)
class KnownPause:
    """A pause that has not ended."""

    tenant: str
    until: dt.datetime
    asked_until: dt.datetime | None
    """Until when the API asked to wait: later, if that was cut."""


def read_pauses(engine: Engine, tenant: str | None) -> list[KnownPause]:
    """The pauses of that tenant, or of every tenant, that have not ended."""
    query = sa.text(
        "SELECT tenant, until, asked_until FROM protime_etl.pauses"
        " WHERE until > clock_timestamp() AND tenant = coalesce(:tenant, tenant) ORDER BY tenant"
    )
    with reading(engine) as connection:
        return [KnownPause(*row) for row in connection.execute(query, {"tenant": tenant})]


def lift_pause(engine: Engine, tenant: str) -> None:
    """End the pause of a tenant; its budget of requests stays."""
    statement = sa.text("UPDATE protime_etl.pauses SET until = '-infinity', asked_until = NULL WHERE tenant = :tenant")
    with transaction(engine) as connection:
        connection.execute(statement, {"tenant": tenant})
