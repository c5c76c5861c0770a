"""`protime-etl due`: what is due is what was asked for of all people, whatever became of it, until it is given up."""

from __future__ import annotations

import datetime as dt
import re
import threading
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.cli.test_coverage import DATES, FIRST, TENANT, TODAY
from tests.cli.test_coverage import shell as shell  # noqa: PLC0414 - a fixture
from tests.support.databases import execute
from tests.support.tenant import present_day

pytestmark = TENANT
OLD = FIRST - dt.timedelta(days=60)
OLDER = ("--from", str(OLD), "--to", str(OLD + dt.timedelta(days=29)))


def ranges(shell: Shell) -> list[tuple[str, str]]:
    return [(one["date_from"], one["date_to"]) for one in last_json(shell("due", "--json"))["due"]]


@pytest.mark.alone(reason="`status` ends with 3 as long as any tenant of the warehouse needs a look")
def test_a_backfill_that_was_stopped_is_due_until_it_is_done_or_given_up(
    shell: Shell, simulated: SimulatedTenant
) -> None:
    assert shell("sync", *DATES).returncode == 0
    plan = 'fault = [{kind = "status", status = 403, on = ["clockings"], rate = 1.0}]'
    simulated.served.misbehaviour.follow(read_plan(plan))
    assert shell("backfill", *OLDER).returncode == 1
    simulated.served.misbehaviour.follow(read_plan(""))
    assert shell("sync", *DATES).returncode == 0, "the next night is fine"
    assert shell("status").returncode == 3
    assert ranges(shell) == [(OLDER[1], OLDER[3]), (DATES[1], DATES[3])]

    given_up = shell("due", *OLDER, "--give-up")
    assert given_up.returncode == 0
    assert f"{OLDER[1]}..{OLDER[3]}, no longer due: clockings" in given_up.stdout
    assert ranges(shell) == [(DATES[1], DATES[3])]
    status = shell("status")
    assert status.returncode == 0, status.stdout


def test_days_that_followed_by_themselves_can_be_given_up(shell: Shell, engine: Engine) -> None:
    assert shell("sync", *DATES).returncode == 0
    followed = (
        f"UPDATE protime_etl.promises SET dates = '{{}}', follows_from = '{FIRST}' WHERE collection = 'clockings'"
    )
    execute(engine.url, f"{followed} AND tenant = 'simulated'")
    later = TODAY + dt.timedelta(days=5)
    result = shell("due", "--from", str(TODAY), "--to", str(later), "--give-up")
    assert result.returncode == 0
    assert ranges(shell) == [(DATES[1], str(TODAY - dt.timedelta(days=1)))]


@pytest.mark.alone(reason="`status` ends with 3 as long as any tenant of the warehouse needs a look")
def test_the_first_day_of_history_makes_all_since_due(shell: Shell) -> None:
    assert shell("sync", *DATES, history_from=str(OLD)).returncode == 0
    assert ranges(shell) == [(str(OLD), str(TODAY))]
    status = shell("status")
    assert status.returncode == 3
    command = f"protime-etl backfill --from {OLD} --to {FIRST - dt.timedelta(days=1)} --only-missing"
    assert command in status.stdout
    assert shell(*command.split()[1:]).returncode == 0
    assert shell("status").returncode == 0


def test_days_are_not_given_up_while_a_run_is_at_them_and_are_due_again_when_it_goes_on(
    shell: Shell, simulated: SimulatedTenant
) -> None:
    simulated.served.misbehaviour.follow(
        read_plan('fault = [{kind = "slow", seconds = 8, count = 1, on = ["clockings"]}]')
    )
    ended: list[int] = []
    under_way = threading.Thread(target=lambda: ended.append(shell("backfill", *OLDER).returncode))
    under_way.start()
    while not simulated.served.requests["clockings"]:
        assert under_way.is_alive()
        time.sleep(0.02)
    refused = shell("due", *OLDER, "--give-up")
    assert refused.returncode == 1
    assert re.search(r"error: Run \d+ is working on these days now\. Wait for it", refused.stderr)
    assert shell("due", *DATES, "--give-up").returncode == 0, "other days"
    under_way.join(60)
    assert ended == [0]

    plan = 'fault = [{kind = "status", status = 403, on = ["clockings"], rate = 1.0}]'
    simulated.served.misbehaviour.follow(read_plan(plan))
    assert shell("backfill", *OLDER, "--fresh").returncode == 1
    simulated.served.misbehaviour.follow(read_plan(""))
    assert shell("due", *OLDER, "--give-up").returncode == 0
    assert (OLDER[1], OLDER[3]) not in ranges(shell)
    assert shell("backfill", *OLDER).returncode == 0, "the same command goes on with it"
    assert (OLDER[1], OLDER[3]) in ranges(shell)


def test_what_followed_is_given_up_for_days_to_come_too(shell: Shell, engine: Engine) -> None:
    """Until then: from the day after, days are due again as they come."""
    assert shell("sync", *DATES).returncode == 0
    today = present_day()
    later = today + dt.timedelta(days=5)
    given_up = shell("due", "--from", str(today), "--to", str(later), "--give-up")
    assert f"{today}..{later}, no longer due: clockings" in given_up.stdout
    with engine.connect() as connection:
        dates, follows = connection.execute(
            sa.text(
                "SELECT dates @> CAST(:today AS date), follows_from FROM protime_etl.promises"
                " WHERE tenant = 'simulated' AND collection = 'clockings'"
            ),
            {"today": today},
        ).one()
    assert (dates, follows) == (False, later + dt.timedelta(days=1))


def test_a_run_for_some_people_asks_for_nothing(shell: Shell) -> None:
    assert shell("sync", *DATES, "--people", "100001").returncode == 0
    assert "nothing is due" in shell("due").stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--give-up",), "--give-up needs a range of days."),
        (("--from", "2026-01-01"), "--from and --to need --give-up."),
        (("--from", "2026-02-01", "--to", "2026-01-01", "--give-up"), "The range ends (2026-01-01) before it begins"),
    ],
)
def test_wrong_usage_is_one_line(shell: Shell, options: tuple[str, ...], message: str) -> None:
    result = shell("due", *options)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["status", "due --tenant acme", "forget acme", "resume"])
def test_what_only_shows_something_makes_no_warehouse(shell: Shell, command: str) -> None:
    nothing: dict[str, str | None] = dict.fromkeys(name.removeprefix("PROTIME_").lower() for name in shell.settings)
    result = shell(*command.split(), **nothing)
    assert result.returncode == 2
    assert "PROTIME_DATABASE_URL is not set" in result.stderr
    assert not (shell.folder / ".protime").exists()


@pytest.mark.parametrize("value", ["yesterday", "1700000000", "1969-12-31", "2999-01-01"])
def test_a_first_day_of_history_that_no_run_could_read_is_one_line(shell: Shell, value: str) -> None:
    refused = shell("sync", *DATES, history_from=value)
    assert refused.returncode == 2
    assert "PROTIME_HISTORY_FROM: " in refused.stderr
    assert "give it as YYYY-MM-DD, from 1970-01-01 to today" in refused.stderr
