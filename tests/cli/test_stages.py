"""What a terminal shows while one statement takes long."""

from __future__ import annotations

import re
import threading
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell
from tests.support.tenant import TODAY

DATES = ("--from", "2026-03-07", "--to", str(TODAY))
WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def test_a_terminal_shows_what_takes_long(shell: Shell, engine: Engine) -> None:
    assert shell("sync", *DATES).returncode == 0
    shown: list[tuple[int, str]] = []
    again = threading.Thread(target=lambda: shown.append(shell.terminal(200, "sync", *DATES)))
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT FROM protime_etl.coverage FOR UPDATE"))
        again.start()
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as other:
            while not other.scalar(WAITING):
                assert again.is_alive()
                time.sleep(0.02)
        time.sleep(2.5)  # it looks every second
    again.join(60)
    status, text = shown[0]
    assert status == 0
    # Control sequences and bars go between the words.
    stored = re.search(r"comparing clockings.*? (\S+) records stored", text, re.DOTALL)
    assert stored is not None
    assert stored[1] == "0", "what was read is not stored before it is compared"


@pytest.mark.long
def test_a_terminal_shows_how_much_verify_has_read(shell: Shell, simulated: SimulatedTenant) -> None:
    assert shell("sync", *DATES).returncode == 0
    simulated.served.misbehaviour.follow(read_plan('[[fault]]\nkind = "slow"\nseconds = 0.5\ncount = 9'))
    _, shown = shell.terminal(200, "verify", *DATES)
    assert re.search(r"comparing tenant and table: \d+ pages?, [1-9][\d,]* records", shown)
