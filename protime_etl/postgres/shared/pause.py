"""The pause that the API asked for and the budget of requests, shared by all processes through PostgreSQL.

Times are the database's, the only clock that all share.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.engine import Engine

from protime_etl.postgres.server.statements import text
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
        return max(0.0, read_alone(self._asking, text("pause_left"), self._tenant) or 0.0)

    def extend(self, seconds: float, asked: float) -> None:
        """Let no process ask for that long from now, or for as long as was known before, whichever ends later.

        `asked` is how many seconds the answer named; it is kept to be shown.
        """
        given = {**self._tenant, "seconds": seconds, "asked": min(asked, LONGEST_SECONDS)}
        with transaction(self._engine) as connection:
            connection.execute(text("extend_pause"), given)

    def reserve_slot(self, patience: float) -> float:
        """Seconds until the next free slot within the budget of requests; 0 without a budget.

        It is reserved for the caller, unless it is more than `patience` seconds away. Slots are given out one after the
        other, a request's share of a second apart, in the order of asking.
        """
        if not self.share:
            return 0.0
        given = {**self._tenant, "share": self.share, "patience": min(patience, LONGEST_SECONDS)}
        with transaction(self._engine) as connection:
            away = connection.scalar(text("reserve_slot"), given)
            if away is None:
                away = connection.scalar(text("next_slot"), self._tenant)
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
    with reading(engine) as connection:
        return [KnownPause(*row) for row in connection.execute(text("known_pauses"), {"tenant": tenant})]


def lift_pause(engine: Engine, tenant: str) -> None:
    """End the pause of a tenant; its budget of requests stays."""
    with transaction(engine) as connection:
        connection.execute(text("lift_pause"), {"tenant": tenant})
