"""Faults, pauses, tokens and kills across processes; the long form (`make chaos`) prints the promised figures."""

from __future__ import annotations

import datetime as dt
import random
import signal
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.collection import OTHER_FORM
from protime_etl.simulator.faults import FaultPlan, RateLimit, read_plan
from protime_etl.simulator.mutations import Changes
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.chaos.workers import CONTEXT, Place, ask_until, running, sync_once, sync_until
from tests.support.tenant import TODAY
from tests.support.truth import Rows, table_rows, tenant_rows

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.tenant(seed=5, people=40, first_day=TODAY - dt.timedelta(days=20), page_size=40),
]

Amount = Callable[[int, int], int]

# A fifth of all requests goes wrong.
ALL_KINDS = """
seed = 11
fault = [
    {kind = "status", status = 500, rate = 0.03}, {kind = "status", status = 502, rate = 0.02},
    {kind = "status", status = 503, rate = 0.02}, {kind = "status", status = 504, rate = 0.01},
    {kind = "status", status = 503, retry_after = 1, rate = 0.004},
    {kind = "status", status = 429, retry_after = 1, as_date = true, rate = 0.004},
    {kind = "status", status = 429, retry_after = 1, rate = 0.004},
    {kind = "reset", rate = 0.03}, {kind = "truncate", rate = 0.03}, {kind = "garbage", rate = 0.02},
    {kind = "stall", seconds = 0.2, rate = 0.01}, {kind = "slow", seconds = 0.2, rate = 0.01},
    {kind = "expire", rate = 0.004, on = ["clockings"]},
    {kind = "revoke", at = [60, 140, 300, 500, 800, 1200, 1700], on = ["clockings"]},
    {kind = "edit", rate = 0.01}, {kind = "restore", at = [25], on = ["clockings"]},
    {kind = "property", rate = 0.05}, {kind = "form", rate = 0.02},
]
"""


def report(text: str) -> None:
    print(f"\nchaos: {text}")  # noqa: T201 - the figures are what this is for


def assert_equal(engine: Engine, tenant: Tenant) -> None:
    table, truth = table_rows(engine), tenant_rows(tenant)
    for row in table.values():  # a property that came once stays until the record is written again
        row["extra"] = None if OTHER_FORM not in (row["extra"] or ()) else row["extra"]
    assert {key: row for key, row in table.items() if key in truth} == truth
    assert all(row["is_deleted"] for key, row in table.items() if key not in truth)


def test_a_fifth_of_all_requests_fails(
    simulated: SimulatedTenant, warehouse: URL, engine: Engine, amount: Amount
) -> None:
    wanted = amount(40, 2000)
    place = Place.of(simulated, warehouse)
    misbehaviour, requests = simulated.served.misbehaviour, simulated.served.requests
    misbehaviour.follow(read_plan(ALL_KINDS))
    failures = CONTEXT.Value("i", 0)
    began = time.monotonic()
    while (asked := sum(requests[kind] for kind in ("clockings", "people", "token"))) < wanted:
        assert time.monotonic() - began < 400, f"only {asked} requests were made"
        with running(4, sync_until, place, time.time() + 5, failures):
            pass
    struck = sum(misbehaviour.struck.values())
    assert misbehaviour.struck["restore"] == 1
    misbehaviour.follow(FaultPlan())
    sync_once(place, accepts_older=True)

    assert_equal(engine, simulated.tenant)
    assert misbehaviour.during_pause == 0
    report(
        f"{asked} requests of 4 processes, {struck} of them spoilt ({100 * struck / asked:.0f} %):"
        f" the table equals the truth; {failures.value} syncs gave up and were repeated;"
        f" {misbehaviour.during_pause} requests during a pause; {time.monotonic() - began:.0f} s"
    )
    assert struck > asked * 0.1


def test_no_request_is_sent_during_a_pause(simulated: SimulatedTenant, warehouse: URL, amount: Amount) -> None:
    limit = RateLimit(requests=100, seconds=1.5, retry_after=1, growth=1.1)
    misbehaviour = simulated.served.misbehaviour
    misbehaviour.follow(FaultPlan(rate_limit=limit))
    with running(4, ask_until, Place.of(simulated, warehouse), time.time() + amount(5, 60)):
        pass
    report(
        f"{misbehaviour.struck['rate_limit']} answers 429 to 4 processes,"
        f" {misbehaviour.during_pause} requests during a pause, {simulated.served.requests['clockings']} in all"
    )
    assert misbehaviour.struck["rate_limit"] >= 2
    assert misbehaviour.during_pause == 0


def wait_for_answers(simulated: SimulatedTenant, number: int) -> None:
    """Wait for this number of further requests for clockings, so that all processes are at work."""
    asked = simulated.served.requests["clockings"]
    until = time.monotonic() + 60
    while simulated.served.requests["clockings"] < asked + number:
        assert time.monotonic() < until, "no process sends requests"
        time.sleep(0.01)


def test_one_token_a_lifetime_for_eight_processes(warehouse: URL, amount: Amount) -> None:
    lifetime, seconds = 6, amount(7, 30)
    tenant = Tenant(seed=5, people=10, first_day=TODAY, last_day=TODAY)
    with SimulatedTenant(tenant, Options(expires_in=lifetime)) as simulated:
        began = time.monotonic()
        with running(8, ask_until, Place.of(simulated, warehouse), time.time() + seconds):
            pass
        lasted = time.monotonic() - began
        tokens, asked = simulated.served.requests["token"], simulated.served.requests["clockings"]
        refused = simulated.served.requests["refused"]
        enough = CONTEXT.Event()
        with running(8, ask_until, Place.of(simulated, warehouse), time.time() + 60, enough):
            wait_for_answers(simulated, 40)
            before = simulated.served.requests["token"]
            simulated.served.revoke_tokens()
            wait_for_answers(simulated, 40)
            after = simulated.served.requests["token"]
            enough.set()
    # So short a life is renewed at its half.
    lifetimes = int(lasted / (lifetime / 2)) + 1
    report(
        f"{tokens} token requests of 8 processes in {lifetimes} lifetimes, {refused} requests refused of {asked};"
        f" {after - before} more when all of them were refused at once"
    )
    assert 2 <= tokens <= lifetimes
    assert refused == 0
    assert after - before == 1


def test_kills_at_random_moments(simulated: SimulatedTenant, warehouse: URL, engine: Engine, amount: Amount) -> None:
    kills, dice = amount(6, 200), random.Random(3)
    changes = Changes(simulated.tenant, seed=3)
    place = Place.of(simulated, warehouse)
    versions: dict[int, list[dict[str, object]]] = {}
    seen: Rows = {}
    began = time.monotonic()
    killed = number = 0
    while killed < kills:
        number += 1
        processes = [CONTEXT.Process(target=sync_once, args=(place,), daemon=True) for _ in range(2)]
        for process in processes:
            process.start()
        changes.make(2)
        for key, row in tenant_rows(simulated.tenant).items():
            if row not in versions.setdefault(key, []):
                versions[key].append(row)
        # One is killed, and every other time both are.
        for process in processes[: 1 + number % 2]:
            process.join(dice.uniform(0.02, 0.4))
            process.kill()
        for process in processes:
            process.join(60)
        killed += sum(process.exitcode == -signal.SIGKILL for process in processes)
        table = table_rows(engine)
        assert table.keys() >= seen.keys(), "a row was lost"
        for key, row in table.items():
            known = row if not row["is_deleted"] else None
            assert known is None or known in versions[key], f"a row is no version that the tenant ever had: {row}"
            older = key in seen and str(row["change_version"]) < str(seen[key]["change_version"])
            assert not older, "a version went backwards"
        seen = table
    sync_once(place)
    assert_equal(engine, simulated.tenant)
    with engine.connect() as connection:
        locks = connection.scalar(
            sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()")
        )
        units = connection.execute(
            sa.text("SELECT status, count(*) FROM protime_etl.units WHERE error IS DISTINCT FROM 'shadow' GROUP BY 1")
        ).all()
    report(
        f"{killed} processes killed in {number} rounds, {changes.made} changes meanwhile, 0 rows lost or wrong,"
        f" units: {dict(tuple(one) for one in units)}, {locks} locks left; {time.monotonic() - began:.0f} s"
    )
    assert locks == 0
