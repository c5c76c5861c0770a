"""What the parts of a turn share: the tenant and the warehouse, and what the turn has done so far."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection, Engine

from protime_etl.config import Settings
from protime_etl.errors import ProtimeError
from protime_etl.postgres import deltas
from protime_etl.postgres.connection import database_errors
from protime_etl.postgres.delta_load import DeltaLoad
from protime_etl.postgres.deltas import DeltaState
from protime_etl.postgres.load import Counts, database_clock
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.decoding import Page
from protime_etl.protime.resources import COLLECTIONS

__all__ = ["CLOCKINGS", "DeltaSession", "Turn", "earliest_start"]

log = logging.getLogger(__name__)
CLOCKINGS = COLLECTIONS["clockings"]


@dataclass
class Turn:
    """What one turn did."""

    counts: Counts = field(default_factory=Counts)
    pages: int = 0
    initial: bool = False
    """Whether it ended, or went on with, an initial load."""
    restarted: Literal["expired", "conflicted", "loading", "asked"] | None = None
    """Why a new initial load was begun, if the delta had one before."""
    date_from: dt.date | None = None

    @property
    def changed(self) -> bool:
        """Whether the table is another one now."""
        return bool(self.counts.inserted or self.counts.updated or self.counts.deleted)


def earliest_start(settings: Settings, now: dt.datetime) -> dt.date:
    """The first day that a delta may begin with: January 1st of the previous year, by the tenant's calendar."""
    return dt.date(now.astimezone(ZoneInfo(settings.timezone)).year - 1, 1, 1)


class DeltaSession:
    """One turn of the delta of one tenant's clockings."""

    def __init__(
        self, settings: Settings, client: ProtimeClient, engine: Engine, on_page: Callable[[int], None] = lambda _: None
    ) -> None:
        self.settings = settings
        self.client = client
        self.engine = engine
        self.told = Turn()
        self._on_page = on_page

    def ask(self, ids: Iterable[int]) -> tuple[list[int], list[Page]]:
        """Ask for records by their ids: those that do not exist, and pages of those that do."""
        gone, found = [], []
        for one in ids:
            page = self.client.record(CLOCKINGS, one)
            if page is None:
                gone.append(one)
            else:
                found.append(page)
        return gone, found

    def sift(self, connection: Connection, load: DeltaLoad, deleted: Iterable[int]) -> None:
        """Drop what somebody else may have found gone since this was read; see `Load.doubtful`."""
        load.lock_people(connection, dict.fromkeys(deleted, ""))
        load.drop(self.ask(load.doubtful())[0])

    def give_up(self, status: deltas.Status, why: Literal["expired", "conflicted", "asked"], message: str) -> None:
        """The delta is over; its link is kept to be looked at."""
        log.warning("The delta is %s: a new initial load begins. %s", status, message)
        self.told.restarted = why
        with self.transaction() as connection:
            deltas.note(connection, self.settings.tenant, CLOCKINGS.name, message, status)

    def read(self) -> DeltaState | None:
        """The state of the delta now."""
        with self.transaction() as connection:
            return deltas.read_delta(connection, self.settings.tenant, CLOCKINGS.name)

    def note(self, error: ProtimeError) -> None:
        """Enter what went wrong; never fails itself, as the database may be what failed."""
        with contextlib.suppress(ProtimeError), self.transaction() as connection:
            tenant, now = self.settings.tenant, database_clock(connection)
            if deltas.read_delta(connection, tenant, CLOCKINGS.name) is None:
                deltas.begin(connection, tenant, CLOCKINGS.name, earliest_start(self.settings, now), now)
            deltas.note(connection, tenant, CLOCKINGS.name, str(error))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction, with PostgreSQL's errors as ours."""
        with database_errors(self.engine.url), self.engine.begin() as connection:
            yield connection

    def count(self, counts: Counts, records: int) -> None:
        """One more answer is stored."""
        self.told.counts += counts
        self.told.pages += 1
        self._on_page(records)
