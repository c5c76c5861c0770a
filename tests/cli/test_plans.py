"""What a plan and its end say."""

from __future__ import annotations

import datetime as dt

from tests.cli.shell import Shell
from tests.support.tenant import TODAY

MONTHS = ("--from", str(TODAY - dt.timedelta(days=700)), "--to", str(TODAY))


def test_a_plan_says_what_it_is_made_of(shell: Shell) -> None:
    guessed = shell("backfill", *MONTHS, "--dry-run")
    assert "requests (an estimate: nothing was read yet" in guessed.stdout
    assert shell("backfill", "--from", str(TODAY - dt.timedelta(days=13)), "--to", str(TODAY)).returncode == 0

    known = shell("backfill", *MONTHS, "--dry-run", "--workers", "3")

    assert "guess" not in known.stdout
    assert "with 3 workers at the pace" in known.stdout
    one = shell("backfill", "--from", str(TODAY), "--to", str(TODAY), "--dry-run", "--workers", "3").stdout
    assert "1 unit, about 1 request; time: about 0:00:0" in one
    assert "with 1 worker at" in one


def test_a_circle_without_clockings_is_reported(shell: Shell) -> None:
    result = shell("sync", *MONTHS, "--circles", "999999")
    assert result.returncode == 0
    assert "Nothing was read for circles 999999" in result.stderr
