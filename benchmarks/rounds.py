"""A round: in a fresh database the first load, then the same again unchanged, then with 1 % edited."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy.engine import URL

from benchmarks.contenders import BENCH, OURS, Contender, Task
from benchmarks.limits.copy_rows import COLUMNS
from benchmarks.measured import Measured, measure
from benchmarks.results import Results, Run
from benchmarks.serving import Served
from benchmarks.warehouse import Server, dsn

__all__ = ["Bench", "WrongResultError"]

RUN_SECONDS = 1800.0
ATTEMPTS = 3


class WrongResultError(Exception):
    """A contender did not bring the tenant's clockings."""


class RenderedError(WrongResultError):
    """Answers were rendered while a contender was measured: units that workers share out differ from run to run."""


@dataclass
class Bench:
    """One server of PostgreSQL, one tenant, and what was measured with them."""

    server: Server
    served: Served
    results: Results
    log: Callable[[str], object]
    inputs: Path

    def warm_up(self, contender: Contender) -> None:
        """An unmeasured first load: it has the pages of this contender rendered, and its files read from disk."""
        if not contender.repeats or not contender.loads:
            return  # a limit; it asks for what this project asked for
        with self.round(contender) as task:
            self.log(f"{contender.name}: warming up")
            self.served.set(form="first", reset="")
            self._measure(contender, task)
            if contender is OURS:
                self._keep_inputs(task)
                # What was read before shapes the next plan, and so the pages of a re-read.
                self._measure(contender, task)

    @contextmanager
    def round(self, contender: Contender, template: str | None = None) -> Iterator[Task]:
        """A fresh database and a folder; a copy of `template` where one is given."""
        with (
            self.server.database(template or contender.template) as warehouse,
            TemporaryDirectory(dir=BENCH, prefix="round-") as folder,
        ):
            yield Task(self.served, warehouse, Path(folder), self.inputs)

    def first_load(
        self,
        contender: Contender,
        template: str | None = None,
        scenario: str = "first",
        floor: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Measure a first load only."""
        self._measure_round(contender, template, lambda task: [self.run(contender, task, scenario, floor)])

    def whole_round(self, contender: Contender) -> None:
        """Measure the first load and, if it can be repeated, both re-reads."""
        again = ("unchanged", "edited") if contender.repeats and contender.loads else ()
        self._measure_round(
            contender, None, lambda task: [self.run(contender, task, scenario) for scenario in ("first", *again)]
        )

    def _measure_round(self, contender: Contender, template: str | None, measured: Callable[[Task], list[Run]]) -> None:
        """A round; one for which answers had to be rendered does not count and is repeated: now they are there."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.round(contender, template) as task:
                    self.results.runs += measured(task)
            except RenderedError as error:
                if attempt == ATTEMPTS:
                    raise
                self.log(f"{error}; once more")
            else:
                return

    def filled(self, rows: int) -> str:
        """A database whose table of clockings holds `rows` older rows; made once for a server, then copied."""
        name = f"filled_{rows}"
        if not self.server.query("postgres", f"SELECT FROM pg_database WHERE datname = '{name}'"):
            self.log(f"filling a table with {rows:,} rows")
            with self.round(OURS) as task:
                self.served.set(form="first")
                self._measure(OURS, task)
                database = _name(task.warehouse)
                self.server.fill(database, rows)
                self.server.settle(database)
                self.log(f"filled with {self.server.brought(database, OURS.table)[0]:,} rows")
                self.server.query("postgres", f"CREATE DATABASE {name} TEMPLATE {database} STRATEGY file_copy")
        return name

    def run(self, contender: Contender, task: Task, scenario: str, floor: Callable[[], float] = lambda: 0.0) -> Run:
        """Measure one run and check what it did; the caller keeps it.

        Raises:
            CommandError: it failed or took too long.
            RenderedError: answers were rendered meanwhile.
            WrongResultError: it did not bring what it had to.
        """
        database = _name(task.warehouse)
        # A filled template holds rows that the tenant does not.
        before = self.server.brought(database, contender.table) if scenario == "into" else (0, 0)
        self.served.set(form="edited" if scenario == "edited" else "first", reset="")
        if scenario in ("unchanged", "edited"):  # before a first load there is nothing, also no statistics
            self.server.settle(database)
        self.server.checkpoint()
        start = self.server.counters(database, contender.table)
        measured = self._measure(contender, task)
        end = self.server.counters(database, contender.table)
        if scenario != "memory":
            self._check_rendered(contender)
        if contender.loads:
            self.check(contender, database, before, edited=scenario == "edited")
        run = Run(
            contender=contender.name,
            scenario=scenario,
            rows=self.served.clockings,
            seconds=measured.seconds,
            cpu_seconds=measured.cpu_seconds,
            server_cpu_seconds=end.cpu_seconds - start.cpu_seconds,
            peak_bytes=measured.peak_bytes,
            wal_bytes=end.wal_bytes - start.wal_bytes,
            written=end.written - start.written,
            dead=end.dead - start.dead,
            floor_seconds=floor(),
        )
        self.log(
            f"{contender.name}: {scenario}: {run.seconds:.2f} s, {run.rows / run.seconds:,.0f} rows/s,"
            f" {run.wal_bytes / 1e6:.1f} MB of WAL, {run.peak_bytes / 1e6:.0f} MB"
        )
        return run

    def _measure(self, contender: Contender, task: Task) -> Measured:
        log = BENCH / "logs" / f"{contender.name}.log"
        command, environment = contender.command(task), contender.environment(task)
        return measure(command, environment, log, folder=task.folder, limit=RUN_SECONDS)

    def _check_rendered(self, contender: Contender) -> None:
        rendered = self.served.set()["rendered"]
        if rendered:
            raise RenderedError(f"{rendered} answers for {contender.name} were rendered while it was measured")

    def check(
        self, contender: Contender, database: str, before: tuple[int, int] = (0, 0), *, edited: bool = False
    ) -> None:
        """Compare what is in the table with what the tenant holds.

        Raises:
            WrongResultError: they differ.
        """
        rows, minutes = self.server.brought(database, contender.table)
        wanted = self.served.minutes + (self.served.edited if edited else 0)
        if (rows - before[0], minutes - before[1]) != (self.served.clockings, wanted):
            raise WrongResultError(
                f"{contender.name} brought {rows - before[0]} clockings of {self.served.clockings},"
                f" {minutes - before[1] - wanted:+} minutes"
            )

    def _keep_inputs(self, task: Task) -> None:
        """What the limits need: the rows of the loaded table, and the targets that were asked for."""
        shutil.rmtree(self.inputs, ignore_errors=True)
        self.inputs.mkdir(parents=True)
        targets = [target for target, text in self.served.asked() if text]
        (self.inputs / "targets").write_text("\n".join(targets) + "\n")
        for form in ("binary", "text"):
            # In the order in which they came: batch of people by batch of people.
            statement = f"COPY (SELECT {COLUMNS} FROM protime.clockings ORDER BY ctid) TO STDOUT (FORMAT {form})"
            with (
                psycopg.connect(dsn(task.warehouse)) as connection,
                connection.cursor() as cursor,
                cursor.copy(statement.encode()) as copy,
                (self.inputs / f"rows.{form}").open("wb") as rows,
            ):
                for part in copy:
                    rows.write(part)


def _name(url: URL) -> str:
    assert url.database is not None  # noqa: S101 - every database of the bench has a name
    return url.database
