"""Each setting, option and field of the connection makes the difference that it promises; one without a row fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from protime_etl.airflow.provider_info import field_labels
from protime_etl.config import Settings
from tests.every_option import options, settings, simulate
from tests.every_option.house import CommandLine, Connection, House
from tests.support.commands import every_command
from tests.support.long_form import in_long_form

QUICK = ("tenant", "environment", "collections", "timezone", "max_vanished", "allow_http")
"""Settings that are tried in the short form: by the command line, and the last of them in a connection."""


@pytest.fixture
def house(servers: Callable[[str], URL], tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(servers("embedded"), tmp_path, stack)


def offered() -> Iterator[str]:
    """Every option and argument of the command line, as `command --option`."""
    for name, one in every_command():
        for parameter in one.params:
            yield f"{name} {parameter.opts[0]}".strip()


def test_every_setting_has_a_row() -> None:
    assert settings.BOTH_FACES.keys() | settings.COMMAND_LINE.keys() == set(Settings.model_fields)


def test_every_field_of_the_connection_has_a_row() -> None:
    assert settings.BOTH_FACES.keys() == field_labels().keys()


def test_every_option_has_a_row() -> None:
    assert options.ROWS.keys() | simulate.ROWS.keys() == set(offered())


@pytest.mark.parametrize("name", [*QUICK, *in_long_form(one for one in settings.BOTH_FACES if one not in QUICK)])
def test_a_setting(house: House, name: str) -> None:
    settings.BOTH_FACES[name](CommandLine(house))


@pytest.mark.airflow
@pytest.mark.parametrize("name", [QUICK[-1], *in_long_form(one for one in settings.BOTH_FACES if one != QUICK[-1])])
def test_a_field_of_the_connection(house: House, name: str) -> None:
    settings.BOTH_FACES[name](Connection(house))


@pytest.mark.parametrize("name", settings.COMMAND_LINE)
def test_a_setting_of_the_command_line(house: House, name: str) -> None:
    settings.COMMAND_LINE[name](house)


def rows() -> Iterator[Any]:
    """In the short form those of all commands, and those of `sync`, which most others share."""
    for name in options.ROWS:
        quick = name.startswith(("-", "sync "))
        yield pytest.param(name, marks=[] if quick else [pytest.mark.long])


@pytest.mark.parametrize("name", list(rows()))
def test_an_option(house: House, name: str) -> None:
    options.ROWS[name](house)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[simulate.Three]:
    with simulate.served(tmp_path_factory.mktemp("faults")) as tenants:
        yield tenants


@pytest.mark.parametrize("name", simulate.ROWS)
def test_an_option_of_simulate(three: simulate.Three, name: str) -> None:
    simulate.ROWS[name](three)
