"""`make mutants`: makes one mistake after the other in a copy of the project, and looks whether its tests see it."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from sqlalchemy.engine import URL

from protime_etl.postgres.embedded import embedded_postgres
from tests.fix_postgres import PREPARED, prepare
from tests.mutants import ROOT, Mistake, mistakes

AT_ONCE = int(os.environ.get("MUTANTS_AT_ONCE", "2"))
SECONDS = 300
"""For the tests of one mistake; longer is a list of tests that is too long."""
SECONDS_A_TEST = 100
"""A test that hangs sees the mistake, too."""
LEAST_CAUGHT = 0.95
COPIED = ("protime_etl", "sql", "dags", "tests", "docs", "deploy", "pyproject.toml", "Makefile", "README.md")
IN_THE_SCHEMA = ("sql/views", "sql/templates", "sql/functions", "protime_etl/postgres/migrations")
"""Mistakes there need a schema of their own; all others share one, which takes longer to make than most tests."""
Outcome = Literal["caught", "missed", "broken"]


def main() -> int:
    """Run them; returns the exit status: 1 if too many go through, or if tests fail without any mistake."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("files", nargs="*", help="Only mistakes in files whose path holds one of these.")
    wanted = parser.parse_args().files
    chosen = [one for one in mistakes() if not wanted or any(part in one.file for part in wanted)]
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="protime-etl-mutants-"))
        Path(folder).chmod(0o711)  # as root, servers run as another user
        copies: SimpleQueue[tuple[Path, URL]] = SimpleQueue()
        for number in range(AT_ONCE):
            home = Path(folder) / f"server-{number}"
            home.mkdir(mode=0o711)
            server = opened.enter_context(embedded_postgres(home))
            prepare(server)
            copies.put((_copy(Path(folder) / str(number)), server))

        def tried(one: Mistake) -> tuple[Mistake, Outcome, str]:
            copy = copies.get()
            try:
                return one, *_try(one, *copy)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = []
            for done in as_completed([pool.submit(tried, one) for one in chosen]):
                one, outcome, said = done.result()
                excused = f" ({one.reason})" if outcome == "missed" and one.reason else ""
                _print(f"{outcome:6} {one.name}: {said}{excused}")
                results.append((one, outcome))
    to_catch = [outcome for one, outcome in results if not (one.reason and outcome == "missed")]
    caught = to_catch.count("caught")
    share = caught / max(1, len(to_catch))
    _print(f"{caught} of {len(to_catch)} caught ({share:.0%}); {len(results) - len(to_catch)} have a reason")
    return 0 if share >= LEAST_CAUGHT and "broken" not in to_catch else 1


def _copy(to: Path) -> Path:
    to.mkdir(mode=0o755)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, to / name)
    return to


def _try(one: Mistake, copy: Path, server: URL) -> tuple[Outcome, str]:
    """Make the mistake, run its tests, mend it; what became of it, and the test that saw it or what went wrong."""
    if one.occurrences(copy) != 1:
        return "broken", f"the text occurs {one.occurrences(copy)} times"
    before = one.make(copy)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--timeout={SECONDS_A_TEST}",
        *one.tests,
    ]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    if not one.file.startswith(IN_THE_SCHEMA):
        environment[PREPARED] = server.render_as_string(hide_password=False)
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "broken", f"the tests do not end within {SECONDS} s"
    finally:
        one.mend(copy, before)
    if done.returncode == 0:
        return "missed", ", ".join(one.tests)
    seen = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    if done.returncode == 1 and seen:
        return "caught", seen[0].split(" - ")[0].split(" ", 1)[1]
    return "broken", f"pytest ended with {done.returncode}: {(done.stdout + done.stderr)[-300:]}"


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
