"""One verification of everything: what differs is found in whatever collection it is, and repaired."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, Engine
from tenacity import wait_none

from protime_etl.collections.record import LocalizedText
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.protime import retrying
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.verify import verify
from tests.cli.shell import Shell, last_json
from tests.support.difficult import refuse_lists
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=9)
pytestmark = pytest.mark.tenant(people=8, first_day=FIRST, page_size=50)
RANGE = ("--from", str(FIRST), "--to", str(TODAY), "--json")


@pytest.fixture
def everything(simulated: SimulatedTenant, warehouse: URL, tmp_path: Path) -> Shell:
    return Shell(
        tmp_path,
        tenant="simulated",
        client_id=simulated.client_id,
        client_secret=simulated.client_secret,
        api_url=simulated.url,
        auth_url=simulated.url,
        database_url=warehouse.render_as_string(hide_password=False),
        collections="all",
    )


def test_verify_finds_and_repairs_what_differs_in_any_collection(
    everything: Shell, simulated: SimulatedTenant, engine: Engine
) -> None:
    tenant = simulated.tenant
    assert everything("sync", *RANGE).returncode == 0
    agreed = everything("verify", *RANGE)
    assert agreed.returncode == 0, agreed.stdout
    assert list(last_json(agreed)["collections"]) == list(COLLECTIONS)

    tenant.remove_record("contracts", tenant.records("contracts")[0].id)
    tenant.edit_record("calculated-totals", tenant.records("calculated-totals")[3].id, flextime_balance_in_minutes=9)
    absence = tenant.records("absences")[0]
    tenant.edit_record("absences", absence.id, date=absence.date + dt.timedelta(days=1))
    tenant.edit_record("departments", tenant.records("departments")[0].id, name=LocalizedText(default="Renamed"))
    history = next(one for one in tenant.records("department-histories") if one.until_date is None)
    tenant.edit_record("department-histories", history.id, until_date=TODAY)

    found = everything("verify", *RANGE)
    assert found.returncode == 3
    assert Counter((one["collection"], one["kind"]) for one in last_json(found)["differences"]) == {
        ("contracts", "extra"): 1,
        ("calculated-totals", "stale"): 1,
        ("absences", "stale"): 1,
        ("departments", "stale"): 1,
        ("department-histories", "stale"): 1,
    }
    repaired = everything("verify", *RANGE, "--repair")
    assert (repaired.returncode, last_json(repaired)["repaired"]) == (0, 5), repaired.stdout
    for path in COLLECTIONS:
        live = {key: row for key, row in table_rows(engine, path).items() if not row["is_deleted"]}
        assert live == {key: row for key, row in tenant_rows(tenant, path).items() if not row["is_deleted"]}, path


def test_a_history_is_gone_after_two_readings_without_it(
    everything: Shell, simulated: SimulatedTenant, engine: Engine
) -> None:
    everything.settings["PROTIME_COLLECTIONS"] = "people job-histories"
    assert everything("sync", *RANGE).returncode == 0
    gone = simulated.tenant.records("job-histories")[0]
    simulated.tenant.remove_record("job-histories", gone.id)
    before = simulated.served.requests["job-histories"]
    assert everything("sync", *RANGE).returncode == 0
    assert simulated.served.requests["job-histories"] == before + 2  # one page each
    assert table_rows(engine, "job-histories")[gone.id]["is_deleted"]


def test_an_assignment_that_began_before_the_days_is_read(
    everything: Shell, simulated: SimulatedTenant, engine: Engine
) -> None:
    """Also one that is longer than any known, once one of that length is."""
    everything.settings["PROTIME_COLLECTIONS"] = "people assignments"
    tenant = simulated.tenant
    early = [one for one in tenant.records("assignments") if one.from_date < FIRST]
    assert early
    last = ("--from", str(TODAY), "--to", str(TODAY))
    assert everything("sync", *last).returncode == 0
    assert {one.id for one in early} <= table_rows(engine, "assignments").keys()
    longest = tenant.edit_record("assignments", early[0].id, until_date=early[0].from_date + dt.timedelta(days=90))
    tenant.edit_record("assignments", early[1].id, from_date=TODAY - dt.timedelta(days=80), until_date=TODAY)
    assert everything("sync", *last).returncode == 0
    assert everything("sync", *last).returncode == 0
    rows = table_rows(engine, "assignments")
    assert rows[longest.id]["until_date"] == longest.until_date.isoformat()
    assert rows[early[1].id]["from_date"] == (TODAY - dt.timedelta(days=80)).isoformat()
    assert not rows[early[1].id]["is_deleted"]


def test_people_are_named_in_vain_where_no_collection_is_read_by_people(everything: Shell) -> None:
    for command in ("sync", "backfill", "verify"):
        result = everything(command, *RANGE, "--people", "100001", collections="people assignments departments")
        assert result.returncode == 2, result.stdout
        assert result.stderr.startswith("error: None of the chosen collections can be read for some people")


@pytest.mark.alone(reason="`status` ends with 0 only if all is well with every tenant")
def test_status_shows_what_is_there_of_each_collection(everything: Shell, simulated: SimulatedTenant) -> None:
    """What a delta keeps fresh is its own collection alone; what was refused was never read."""
    plan = '[[fault]]\nkind = "status"\nstatus = 403\nrate = 1.0\non = ["departments", "counters"]'
    simulated.served.misbehaviour.follow(read_plan(plan))
    assert everything("sync", *RANGE).returncode == 3
    assert everything("changes", "--from", str(FIRST)).returncode == 0
    shown = everything("status")
    assert shown.returncode == 3
    assert "  departments not read: " in shown.stdout
    assert "  counters not read: 8 people, " in shown.stdout
    assert "status 403" in shown.stdout
    simulated.served.misbehaviour.follow(read_plan(""))
    assert everything("sync", *RANGE).returncode == 0
    well = everything("status", "--json")
    assert well.returncode == 0, well.stdout
    assert not re.search(r"\s-1\b", well.stdout.partition("{")[0])
    people = {row["collection"]: row["people"] for row in last_json(well)["coverage"]}
    assert (people["access-clockings"], people["absences"]) == (None, 8)


def test_a_day_that_cannot_be_read_is_named_without_a_person(
    everything: Shell, simulated: SimulatedTenant, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Access clockings are cut by days alone: whose they are may be unknown."""
    monkeypatch.setattr(retrying, "_jitter", wait_none())
    hard = TODAY - dt.timedelta(days=2)
    refuse_lists(simulated.tenant, lambda _, records: any(one.date == hard for one in records), of="access-clockings")
    settings = settings_for(simulated, collections="people access-clockings")
    with open_pipeline(settings, engine.url) as pipeline:
        sync(pipeline, FIRST, TODAY)
        assert [error.message for error in pipeline.to_look_at] == [
            f"The access-clockings of all people on {hard} cannot be read: The API answers access-clockings with"
            " status 500 (Error: The answer cannot be made)."
        ]
        found = verify(pipeline, COLLECTIONS["access-clockings"], FIRST, TODAY)
    assert (found.unreadable, found.differences, found.agrees) == ([f"all people on {hard}"], [], False)
    rows, truth = table_rows(engine, "access-clockings"), tenant_rows(simulated.tenant, "access-clockings")
    assert rows == {key: row for key, row in truth.items() if row["date"] != hard.isoformat()}
    shown = everything("status", collections="people access-clockings")
    assert shown.returncode == 3
    assert f"access-clockings cannot be read, {hard}: " in shown.stdout
    command = f"protime-etl backfill --from {hard} --to {hard} --only-missing --collections access-clockings"
    assert command in shown.stdout
