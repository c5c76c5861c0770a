"""The life of deltas: started with a list, read by their links, ended by time or by the next one.

https://documentation.myprotime.eu/protimeapi/reference/delta/
https://documentation.myprotime.eu/protimeapi/how-to/track-changes-with-delta/
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from itertools import count

from protime_etl.collections.collection import API_PATH
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.answers import RefusalError, bad_request, refused
from protime_etl.simulator.clock import Clock
from protime_etl.simulator.delta_items import in_order, items, out_of_order
from protime_etl.simulator.delta_tokens import DeltaToken, DeltaTokens
from protime_etl.simulator.options import Options
from protime_etl.simulator.selection import Selection
from protime_etl.simulator.state import Tenant

__all__ = ["Delta", "Deltas"]

LIFETIME = dt.timedelta(hours=72)
FIRST_DELTA_ID = 30_001


@dataclass
class Delta:
    """One delta of a collection."""

    id: int
    collection: str
    selection: Selection
    start: int
    """The cursor before everything that changed since the initial load was started."""
    newest: int
    """The cursor of the newest deltaLink."""
    last_request: dt.datetime
    ended: int = 0
    """The status that its links are answered with once it is over."""

    @property
    def list_name(self) -> str:
        """What sets the pages of its initial load apart from those of any other list."""
        return f"{self.collection}/delta/{self.id}"


class Deltas:
    """All deltas of a served tenant, of which one per collection is alive at most."""

    def __init__(self, tenant: Tenant, options: Options, clock: Clock) -> None:
        self._tenant = tenant
        self._options = options
        self._clock = clock
        self._tokens = DeltaTokens(options.client_secret)
        # Deltas of an earlier service of this tenant must not be taken for those of this one: they are forgotten.
        self._ids = count(FIRST_DELTA_ID + secrets.randbelow(2**40))
        self._known: dict[int, Delta] = {}
        self._alive: dict[str, Delta] = {}

    def start(self, collection: str, selection: Selection) -> Delta:
        """Start a delta, which ends the one before it.

        Raises:
            RefusalError: the API does not allow this filter for a delta.
        """
        reasons = self._against(selection)
        if reasons:
            raise bad_request(*reasons)
        self.expire()
        if collection in self._alive:
            self._end(self._alive[collection], self._options.superseded_delta_status)
        start = self._tenant.history[collection].watch()
        delta = Delta(next(self._ids), collection, selection, start, start, self._clock.now())
        self._known[delta.id] = self._alive[collection] = delta
        return delta

    def resume(self, collection: str, token: str) -> Delta:
        """The delta of a token, kept alive by this request.

        Raises:
            RefusalError: the token is not one of this collection, or its delta is over.
        """
        return self._resume(collection, token)[0]

    def token(self, delta: Delta) -> str:
        """The token of the initial load."""
        return self._tokens.write(delta.id, delta.start, self._clock.now())

    def first_link(self, delta: Delta) -> str:
        """The deltaLink that the initial load ends with."""
        return _link(delta.collection, self.token(delta))

    def poll(self, collection: str, token: str) -> dict[str, object]:
        """The changes since a deltaLink was given out, and the next one.

        Raises:
            RefusalError: the token is not one of this collection, or it cannot be used any more.
        """
        delta, read = self._resume(collection, token)
        if read.starting_cursor < delta.newest and not self._options.replay_delta_links:
            raise RefusalError(refused(409, "Conflict", "The delta token has been used"))
        changes, delta.newest = self._tenant.history[collection].since(read.starting_cursor)
        report_moved_out = self._options.moved_out_of_delta == "delete"
        found = items(COLLECTIONS[collection], changes, delta.selection, report_moved_out=report_moved_out)
        ordered = out_of_order(found, self._tenant.seed) if self._options.shuffle_delta else in_order(found)
        following = self._tokens.write(delta.id, delta.newest, self._clock.now())
        return {"value": [item.body for item in ordered], "deltaLink": _link(collection, following)}

    def expire(self) -> None:
        """End the deltas that were not asked for in a long time; what they had kept of the past is gone."""
        now = self._clock.now()
        for delta in list(self._alive.values()):
            if now - delta.last_request > LIFETIME:
                self._end(delta, 410)

    def _resume(self, collection: str, token: str) -> tuple[Delta, DeltaToken]:
        self.expire()
        read = self._tokens.read(token)
        if read is None:
            raise bad_request("The delta token is invalid.")
        delta = self._known.get(read.delta_id)
        if delta is None:
            raise _over(410)
        if delta.collection != collection:
            raise bad_request("The delta token is invalid.")
        if delta.ended:
            raise _over(delta.ended)
        delta.last_request = self._clock.now()
        return delta, read

    def _end(self, delta: Delta, status: int) -> None:
        delta.ended = status
        del self._alive[delta.collection]
        self._tenant.history[delta.collection].forget(delta.start)

    def _against(self, selection: Selection) -> list[str]:
        earliest = dt.date(self._clock.today().year - 1, 1, 1)
        reasons = []
        if selection.people is not None or selection.collections:
            reasons.append("A delta cannot be combined with a person filter.")
        if selection.first_day is not None and selection.first_day < earliest:
            reasons.append(f"The start date of a delta cannot be before {earliest}.")
        return reasons


def _over(status: int) -> RefusalError:
    if status == 410:
        return RefusalError(refused(410, "Gone", "The delta token has expired (older than 72 hours)"))
    return RefusalError(refused(status, "Conflict", "Another delta was started for this collection"))


def _link(collection: str, token: str) -> str:
    return f"{API_PATH}/delta/{collection}?deltaToken={token}"
