"""What changed in a collection, for the deltas that read it.

Nothing is kept while no delta watches, and nothing from before the oldest watch: a tenant without a delta pays nothing.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from typing import Any

__all__ = ["Change", "History"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one record."""

    cursor: int
    version: str
    before: Any | None
    """The record until then, or None if it was new."""
    after: Any | None
    """The record from then on, or None if it was removed."""
    served: object
    """The record as a list shows it after the change."""

    @property
    def id(self) -> int:
        """The id of the record."""
        record = self.before if self.after is None else self.after
        return 0 if record is None else int(record.id)


class History:
    """The changes of one collection in the order they were made. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursors = count(1)
        self._changes: list[Change] = []
        self._watches: set[int] = set()

    def __len__(self) -> int:
        return len(self._changes)

    def watch(self) -> int:
        """Keep the changes from now on, until `forget`; the cursor they come after."""
        with self._lock:
            cursor = next(self._cursors)
            self._watches.add(cursor)
            return cursor

    def forget(self, watch: int) -> None:
        """End a watch: changes that no other one needs are gone for good."""
        with self._lock:
            self._watches.discard(watch)
            oldest = min(self._watches, default=None)
            keep_from = len(self._changes) if oldest is None else self._position(oldest)
            del self._changes[:keep_from]

    def record(self, version: str, before: Any | None, after: Any | None, served: object = None) -> None:
        """Note a change, if a delta watches."""
        with self._lock:
            if self._watches:
                self._changes.append(Change(next(self._cursors), version, before, after, served))

    def since(self, cursor: int) -> tuple[list[Change], int]:
        """The changes after a cursor, and a new cursor that comes after them; no two cursors are the same."""
        with self._lock:
            return self._changes[self._position(cursor) :], next(self._cursors)

    def _position(self, cursor: int) -> int:
        return bisect_right(self._changes, cursor, key=attrgetter("cursor"))
