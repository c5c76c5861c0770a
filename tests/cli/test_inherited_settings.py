"""Settings that a role or a database brings along: each command does what it does without them."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from contextlib import suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.config import Settings
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import plan, sync
from protime_etl.sync.pull.unit import pull_unit
from protime_etl.sync.verify.verify import verify
from protime_etl.work import RunKind
from tests.cli.shell import Shell, last_json
from tests.support.databases import execute
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

DATES = ("--from", "2026-03-07", "--to", str(TODAY))
SLOW = read_plan('[[fault]]\nkind = "slow"\nseconds = 0.4\ncount = 4\non = ["clockings"]')
LATE = 0.3
INHERITED = {
    "transaction_timeout": "300ms",
    "idle_in_transaction_session_timeout": "300ms",
    "idle_session_timeout": "100ms",
    "lock_timeout": "1ms",
    "statement_timeout": "300ms",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "default_transaction_isolation": "repeatable read",
    "TimeZone": "Australia/Lord_Howe",
    "search_path": "",
    "client_encoding": "LATIN1",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
}


def inherit(warehouse: URL, name: str, value: str) -> None:
    execute(
        warehouse,
        f"ALTER DATABASE {warehouse.database} SET {name} = {value if name == 'search_path' and value else repr(value)}",
    )


@pytest.mark.parametrize(
    "names",
    [
        ["statement_timeout"],
        *in_long_form([name] for name in INHERITED if name.endswith("_timeout") and name != "statement_timeout"),
        ["default_transaction_isolation"],
        ["DateStyle", "IntervalStyle", "bytea_output", "extra_float_digits"],
        ["TimeZone", "search_path", "client_encoding", "standard_conforming_strings"],
    ],
    ids=", ".join,
)
def test_settings_of_the_database_change_nothing(
    names: list[str], settings: Settings, warehouse: URL, engine: Engine, simulated: SimulatedTenant
) -> None:
    for name in names:
        inherit(warehouse, name, INHERITED[name])
    if names[0].endswith("_timeout"):
        simulated.served.misbehaviour.follow(SLOW)
    with open_pipeline(settings, warehouse) as pipeline:
        upgrade_schema(pipeline.engine)
        first, last = simulated.tenant.first_day, simulated.tenant.last_day
        sync(pipeline, first, last)
        poll(pipeline, CLOCKINGS)
        edited, removed, *_ = simulated.tenant.truth()
        simulated.tenant.edit(edited.id, time_of_day_in_minutes=601)
        simulated.tenant.hard_delete(removed.id)
        poll(pipeline, CLOCKINGS)
        sync(pipeline, first, last, workers=2)
        assert verify(pipeline, CLOCKINGS, first, last).agrees
    rows = table_rows(engine)
    assert rows.pop(removed.id)["is_deleted"]
    assert rows == tenant_rows(simulated.tenant)


@pytest.mark.parametrize("isolation", ["repeatable read", *in_long_form(["serializable"])])
def test_a_removed_record_stays_out_whatever_isolation_is_the_default(
    isolation: str, settings: Settings, warehouse: URL, engine: Engine, simulated: SimulatedTenant
) -> None:
    """Its deletion is learnt by a delta while a pull that still has it is under way."""
    inherit(warehouse, "default_transaction_isolation", isolation)
    first, last = simulated.tenant.first_day, simulated.tenant.last_day
    removed = simulated.tenant.truth()[0]
    with open_pipeline(settings, warehouse) as pipeline, open_pipeline(settings, warehouse) as other:
        read_people(pipeline)
        poll(other, CLOCKINGS)
        execute(warehouse, "DELETE FROM protime.clockings WHERE tenant <> 'shadow'")
        _, units = plan(pipeline, RunKind.SYNC, select(pipeline, first, last))
        pages: list[int] = []

        def on_page(records: int) -> None:
            if not pages:
                pages.append(records)
                simulated.tenant.hard_delete(removed.id)
                poll(other, CLOCKINGS)

        pull_unit(pipeline, units[0], on_page=on_page)
    assert removed.id not in table_rows(engine)


def test_a_query_finds_names_as_its_user_does_elsewhere(shell: Shell, warehouse: URL) -> None:
    inherit(warehouse, "search_path", "protime, public")
    inherit(warehouse, "DateStyle", "German, DMY")
    query = "SELECT count(*) AS n, DATE '2026-03-20' AS d FROM people WHERE tenant = 'simulated'"
    assert shell("sql", query).stdout == "n\td\n0\t2026-03-20\n"


def test_all_of_them_at_once(shell: Shell, warehouse: URL, engine: Engine, simulated: SimulatedTenant) -> None:
    for name, value in INHERITED.items():
        inherit(warehouse, name, value)
    result = shell("sync", *DATES, "--json")
    assert result.returncode == 0, result.stderr
    assert last_json(result)["inserted"] == len(simulated.tenant.truth()) + 20
    assert table_rows(engine) == tenant_rows(simulated.tenant)


class Relay(socketserver.BaseRequestHandler):
    """Brings what it is given to the server late, until it has seen the first settings of ours."""

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self.server.target)  # type: ignore[attr-defined]
            threading.Thread(target=self.back, args=(server,), daemon=True).start()
            late = True
            while data := self.request.recv(65536):
                late = late and b"set_config" not in data
                time.sleep(LATE if late else 0)
                server.sendall(data)

    def back(self, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                self.request.sendall(data)


@pytest.mark.parametrize("name", ["transaction_timeout", "idle_in_transaction_session_timeout"])
def test_getting_to_know_a_distant_server_may_take_longer_than_its_transactions(name: str, warehouse: URL) -> None:
    inherit(warehouse, name, "200ms")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as relay:
        relay.daemon_threads = True
        relay.target = f"{warehouse.query['host']}/.s.PGSQL.{warehouse.port or 5432}"  # type: ignore[attr-defined]
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        distant = warehouse.set(host="127.0.0.1", port=relay.server_address[1], query={"sslmode": "disable"})
        engine = create_engine(distant)
        with engine.begin() as connection:
            assert connection.scalar(sa.text("SHOW transaction_isolation")) == "read committed"
        engine.dispose()
        relay.shutdown()
