"""How the tests run: their order, their long forms, and nothing of the settings of the user who runs them."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.support.fix_clock", "tests.support.fix_postgres", "tests.support.fix_tenant"]

LONGEST = {"airflow", "chaos", "collections", "convergence", "end_to_end", "test_book.py", "test_commands.py", "year"}
"""Files and folders whose single tests take long."""
# The processes of the tests, and the hundreds of commands that they start, would compile everything again each time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Settings of the user who runs the tests must not reach them, nor what says how wide and how colourful a terminal is.
TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TTY_")
for name in [name for name in os.environ if name.startswith(("PROTIME_", "AIRFLOW", *TERMINAL))]:
    del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="Run the long form of the tests that have one.")
    parser.addoption("--seeds", default="1", help="Seeds of the years that tests/year lives through, such as 1,2,3.")
    parser.addoption("--nights", type=int, help="How many nights of them; left out, 8, or 365 in the long form.")
    parser.addoption("--picture", help="Where to keep a picture of the page in Airflow's user interface.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is long, and let what takes longest begin first, so that no process is left alone with it."""
    for item in items:
        if item.get_closest_marker("long") and not item.config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="long form only"))
    items.sort(key=lambda item: not LONGEST.intersection(item.path.parts))


def pytest_collection_finish() -> None:
    """What was imported stays: Airflow's million objects need not be looked through at each collection of garbage."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Hypothesis, imported for its last words, looks for who refers to what Airflow's libraries hold."""
    gc.unfreeze()


@pytest.fixture
def amount(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Of a short and a long form, the one that is asked for."""
    return lambda short, long: long if request.config.getoption("--long") else short


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own; for root one that the embedded server's user may enter, as pytest's is private."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="protime-etl-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)
