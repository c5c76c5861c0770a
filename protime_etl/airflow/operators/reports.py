"""What the log of a task says of its units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protime_etl.counted import counted
from protime_etl.errors import ProtimeError
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.work import Counts, Unit

__all__ = ["LogObserver", "in_words"]


def in_words(counts: Counts) -> str:
    """What was done, as a sentence says it: zeros are left out."""
    words = {"requests": counted(counts.requests, "request"), "rows_read": f"{counted(counts.rows_read, 'row')} read"}
    done = [words.get(name, f"{number} {name}") for name, number in counts.as_dict().items() if number]
    return ", ".join(done) or "nothing was read"


class LogObserver(Observer):
    """Logs what becomes of each unit."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def unit(self, unit: Unit, counts: Counts) -> None:
        """A unit is committed."""
        self._log.info("Unit %s (%s): %s", unit.unit_id, unit.label, in_words(counts))

    def failed(self, unit: Unit, error: ProtimeError) -> None:
        """A unit failed."""
        self._log.warning("Unit %s (%s): %s", unit.unit_id, unit.label, error)

    def cut(self, unit: Unit, parts: Sequence[Unit], error: ProtimeError) -> None:
        """A unit is cut."""
        self._log.warning("Unit %s (%s) is cut into %s parts: %s", unit.unit_id, unit.label, len(parts), error.message)
