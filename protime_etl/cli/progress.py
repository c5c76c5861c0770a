"""How far a sync or a backfill is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Sequence

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from protime_etl.cli.console import messages, print_note
from protime_etl.cli.printable import one_line
from protime_etl.counted import counted
from protime_etl.errors import ProtimeError
from protime_etl.protime.pausing import Pause
from protime_etl.sync.pull.worker_pool import Observer
from protime_etl.work import Counts, Unit

__all__ = ["SyncProgress"]


class SyncProgress(Observer):
    """Units and records as they go by: a bar on a terminal, a line for each unit elsewhere; all on stderr."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._asked = time.monotonic()
        self._units = 0
        self._done = 0
        self._pages = 0
        self._pages_left = 0
        self._stored = 0
        self._pages_stored = 0
        self._pages_of: Counter[int] = Counter()
        """Pages by unit that is under way."""
        self._stages: dict[int, str] = {}
        self._started = time.monotonic()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn(
                "{task.fields[units]} units, {task.fields[stored]:,} records stored, {task.fields[rate]:,.0f}/s"
            ),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=messages,
            disable=not messages.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("people and plan", total=None, units="0", stored=0, rate=0.0, left="")

    def __enter__(self) -> SyncProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def planned(self, units: Sequence[Unit], requests: int) -> None:
        """The plan is made, or made again."""
        again = self._units > 0
        self._units = self._done + len(units)
        self._pages_left = requests
        plan = f"{counted(len(units), 'unit')} {'planned again' if again else 'planned'}"
        self._line(f"{plan}, about {counted(requests, 'request')}")
        self._show()

    def page(self, unit: Unit, records: int) -> None:
        """A page has come; the bar moves when its unit is committed."""
        del records
        self._pages += 1
        self._pages_of[unit.unit_id] += 1
        self._bar.update(self._task, description="clockings")
        self._pages_left = max(0, self._pages_left - 1)
        self._show()

    def stage(self, unit: Unit, stage: str) -> None:
        """A unit is read, compared or stored: what is shown when that takes long."""
        self._stages[unit.unit_id] = stage

    def unit(self, unit: Unit, counts: Counts) -> None:
        """A unit is committed."""
        self._done += 1
        self._stored += counts.rows_read - counts.rejected
        self._pages_stored += self._pages_of.pop(unit.unit_id, 0)
        self._stages.pop(unit.unit_id, None)
        self._show()
        self._line(
            f"unit {self._done}/{self._units}: {unit.label}: {counts.rows_read} read, {counts.inserted} inserted,"
            f" {counts.updated} updated, {counts.deleted} deleted, {counts.rejected} rejected"
        )

    def failed(self, unit: Unit, error: ProtimeError) -> None:
        """A unit failed: said at once, also on a terminal."""
        self._stages.pop(unit.unit_id, None)
        print_note(one_line(f"failed: {unit.label}: {' '.join(str(error).split())}"))

    def cut(self, unit: Unit, parts: Sequence[Unit], error: ProtimeError) -> None:
        """A unit is read in parts."""
        self._stages.pop(unit.unit_id, None)
        self._units += len(parts) - 1
        self._line(f"cut: {unit.label} is read in {len(parts)} parts: {' '.join(error.message.split())}")

    def tick(self) -> None:
        """Show a pause while there is one, or else what is being done."""
        if messages.is_terminal and time.monotonic() - self._asked >= 1:
            self._asked = time.monotonic()
            remaining = self._pause.remaining()
            doing = ", ".join(sorted(set(self._stages.values())))
            text = f"{doing} clockings" if doing else "people and plan"
            if remaining:
                text = f"paused by the API for {remaining:.0f} s"
            self._bar.update(self._task, description=text)

    def _show(self) -> None:
        elapsed = max(time.monotonic() - self._started, 1e-6)
        left = dt.timedelta(seconds=round(elapsed / self._pages * self._pages_left)) if self._pages else None
        self._bar.update(
            self._task,
            total=self._pages + self._pages_left,
            completed=self._pages_stored,
            units=f"{self._done}/{self._units}",
            stored=self._stored,
            rate=self._stored / elapsed,
            left="" if left is None else f"about {left} left",
        )

    def _line(self, text: str) -> None:
        if not messages.is_terminal:
            print_note(text)
