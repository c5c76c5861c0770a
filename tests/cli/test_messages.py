"""What the command line says of wrong options, of ranges that cannot be, and of a tenant that does not exist."""

from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.cli.shell import Shell, last_json
from tests.support.tenant import TODAY, present_day

DATES = ("--from", str(TODAY), "--to", str(TODAY))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sync"], "error: Missing option '--from'. See: protime-etl sync --help"),
        (["sync", *DATES, "--workers", "99"], "error: Invalid value for '--workers': "),
        (["nonsense"], "error: No such command 'nonsense'. See: protime-etl --help"),
        (["verify", "--from", "0001-01-01", "--to", "2026-03-07"], "error: The range begins (0001-01-01) before 1970"),
        (["verify", "--from", "2026-03-07", "--to", "9999-12-31"], "error: The range ends (9999-12-31) later than"),
    ],
)
def test_wrong_usage_is_one_line(shell: Shell, arguments: list[str], message: str) -> None:
    result = shell(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(message)


def test_each_command_is_reported_in_whole_words(shell: Shell) -> None:
    _, shown = shell.terminal(80, "--help")
    assert "..." not in shown.partition("Commands:")[2]
    _, shown = shell.terminal(80, "db", "--help")
    assert "..." not in shown.partition("Commands:")[2]
    _, shown = shell.terminal(80, "sync", "--help")
    assert "range>" not in shown


def test_people_are_counted_apart(shell: Shell) -> None:
    synced = shell("sync", *DATES, "--json")
    read = last_json(synced)["rows_read"]
    assert f": {read} records (20 of them people) read in " in synced.stderr + synced.stdout


def test_a_shell_can_complete_the_commands(shell: Shell) -> None:
    shell.environment = {"_PROTIME_ETL_COMPLETE": "complete_bash", "COMP_WORDS": "protime-etl ver", "COMP_CWORD": "1"}
    assert shell().stdout.strip() == "verify"


def test_a_misspelt_tenant_is_not_entered(shell: Shell) -> None:
    result = shell("sync", *DATES, tenant="acme")
    assert result.returncode == 1
    assert not any(line.startswith("acme") for line in shell("status").stdout.splitlines())


def test_a_sync_that_stops_today_says_so(shell: Shell) -> None:
    tomorrow = present_day() + dt.timedelta(days=30)
    result = shell("sync", "--from", str(TODAY), "--to", str(tomorrow))
    assert result.returncode == 0, result.stderr
    assert "The range ends in the future; it is read up to today, " in result.stderr
    assert str(tomorrow) not in result.stdout


def test_what_differs_in_the_future_is_repaired(shell: Shell) -> None:
    today = present_day()
    later = today + dt.timedelta(days=3)
    tenant = Tenant(seed=1, people=2, first_day=today, last_day=today)
    with SimulatedTenant(tenant, Options()) as served:
        place: dict[str, str | None] = {"api_url": served.url, "auth_url": served.url}
        assert shell("sync", "--from", str(today), "--to", str(today), **place).returncode == 0
        tenant.add(100_001, later, 480)
        result = shell("verify", "--from", str(later), "--to", str(later), "--repair", "--json", **place)
    assert result.returncode == 0, result.stderr
    assert (last_json(result)["repaired"], last_json(result)["missing"]) == (1, 0)
