"""`make mutants`: makes one mistake after the other in a copy of the project, and looks whether its tests see it."""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Literal

import pytest

from protime_etl.postgres.server.embedded import embedded_postgres
from tests.mutants import ROOT, Mistake, mistakes
from tests.support.databases import in_memory
from tests.support.fix_postgres import PREPARED, prepare

AT_ONCE = 2
SECONDS = 300
"""For the tests of one mistake; longer is a list of tests that is too long."""
SECONDS_A_TEST = 100
"""A test that hangs sees the mistake, too."""
LEAST_CAUGHT = 0.95
COPIED = ("protime_etl", "sql", "dags", "tests", "docs", "deploy", "pyproject.toml", "Makefile", "README.md")
IN_THE_SCHEMA = ("sql/views", "sql/templates", "sql/functions", "protime_etl/postgres/migrations")
"""Mistakes there need a schema of their own; all others share one, which takes longer to make than most tests."""
# Imported once, and not by the tests of each mistake.
PRELOADED = ("alembic.command", "cryptography.fernet", "pydantic_settings", "requests", "typer", "uvicorn")
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", f"--timeout={SECONDS_A_TEST}")
NO_REWRITING = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
Outcome = Literal["caught", "missed", "broken"]


class Workshop:
    """A copy of the project and a server, for one mistake at a time."""

    def __init__(self, folder: Path) -> None:
        self._copy = folder / str(os.getpid())
        self._copy.mkdir()
        self._said, self._failed, self._ran = (self._copy / name for name in ("said", "failed", "ran"))
        for name in COPIED:
            whole = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            whole(ROOT / name, self._copy / name)
        self._good: set[str] = set()
        """Tests that pass without any mistake."""
        opened = ExitStack()
        Finalize(self, opened.close, exitpriority=1)
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="protime-etl-mutants-", dir=in_memory())))
        home.chmod(0o711)  # as root, the server runs as another user
        server = opened.enter_context(embedded_postgres(home))
        prepare(server)
        self._server = server.render_as_string(hide_password=False)

    def attempt(self, one: Mistake) -> tuple[Outcome, str]:
        """Make the mistake, run its tests, mend it; what became of it, and the test that saw it or what went wrong."""
        if (number := one.occurrences(self._copy)) != 1:
            return "broken", f"the text occurs {number} times"
        shares_the_schema = not one.file.startswith(IN_THE_SCHEMA)
        before = one.make(self._copy)
        try:
            status = self._run(one.tests, shared=shares_the_schema)
            skipped = self._ran.read_text(encoding="utf-8") == ""
            if status == pytest.ExitCode.OK and not _are_named(one.tests):
                status = self._run(["--long", "-m", "long", *one.tests], shared=shares_the_schema)
        finally:
            one.mend(self._copy, before)
        if status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return ("broken", "no test ran") if skipped else ("missed", ", ".join(one.tests))
        if status != pytest.ExitCode.TESTS_FAILED:
            return "broken", f"pytest ended with {status}: {self._said.read_text(errors='replace')[-300:]}"
        seen = self._failed.read_text(encoding="utf-8").splitlines()[0]
        if seen not in self._good:
            if self._run([seen], shared=shares_the_schema) != pytest.ExitCode.OK:
                return "broken", f"{seen} fails without the mistake, too"
            self._good.add(seen)
        return "caught", seen

    def _run(self, tests: Sequence[str], *, shared: bool) -> int | None:
        """The exit status of these tests; None if they take too long."""
        self._failed.write_text("")
        self._ran.write_text("")
        child = os.fork()
        if child == 0:
            os.setsid()
            self._run_here(tests, shared=shared)
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.1)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None

    def _run_here(self, tests: Sequence[str], *, shared: bool) -> None:
        """Become the process that runs the tests, with the modules of the copy."""
        stream = os.open(self._said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(stream, number)
        os.chdir(self._copy)
        os.environ["PYTHONPATH"] = sys.path[0] = str(self._copy)
        if shared:
            os.environ[PREPARED] = self._server
        for name in [name for name in sys.modules if name.partition(".")[0] in ("protime_etl", "tests")]:
            del sys.modules[name]
        status = 70
        try:
            # A test of the long form that is named is wanted.
            form = ["--long"] if _are_named(tests) else []
            status = int(pytest.main([*OPTIONS, *form, *NO_REWRITING, *tests], [self]))
        except BaseException:  # noqa: BLE001 - this process goes no further
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest: keep which test failed, and that one ran."""
        if report.when == "call" and not report.skipped:
            self._ran.write_text(report.nodeid, encoding="utf-8")
        if report.failed:
            self._failed.write_text(f"{report.nodeid}\n", encoding="utf-8")


def _are_named(tests: Sequence[str]) -> bool:
    """Tests, not files."""
    return all("::" in one for one in tests)


workshop: Workshop


def _open(folder: Path) -> None:
    global workshop  # noqa: PLW0603 - one a process, as a pool gives nothing to its calls
    workshop = Workshop(folder)


def _attempt(one: Mistake) -> tuple[Mistake, Outcome, str]:
    return one, *workshop.attempt(one)


def main() -> int:
    """Run them; returns the exit status: 1 if too many go through, or if some cannot be tried."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("files", nargs="*", help="Only mistakes in files whose path holds one of these.")
    wanted = parser.parse_args().files
    chosen = [one for one in mistakes() if not wanted or any(part in one.file for part in wanted)]
    for name in PRELOADED:
        importlib.import_module(name)
    outcomes: list[Outcome] = []
    excused = 0
    with tempfile.TemporaryDirectory(prefix="protime-etl-mutants-") as folder:
        Path(folder).chmod(0o711)
        forking = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(AT_ONCE, forking, _open, (Path(folder),)) as pool:
            try:
                for done in as_completed([pool.submit(_attempt, one) for one in chosen]):
                    one, outcome, said = done.result()
                    is_excused = outcome == "missed" and bool(one.reason)
                    excused += is_excused
                    outcomes += [] if is_excused else [outcome]
                    sys.stdout.write(f"{outcome:6} {one.name}: {one.reason if is_excused else said}\n")
                    sys.stdout.flush()
            except KeyboardInterrupt:
                pool.shutdown(cancel_futures=True)
                raise
    share = outcomes.count("caught") / max(1, len(outcomes))
    sys.stdout.write(f"{outcomes.count('caught')} of {len(outcomes)} caught ({share:.0%}), {excused} excused\n")
    return 0 if share >= LEAST_CAUGHT and "broken" not in outcomes else 1


if __name__ == "__main__":
    sys.exit(main())
