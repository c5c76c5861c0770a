"""Every collection of the registry is served: as a list, as a record and as a delta."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import requests

from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.simulator.caller import Caller

FIRST = dt.date(2026, 3, 9)
BEFORE = FIRST - dt.timedelta(days=30)
LAST = dt.date(2026, 3, 20)
every_collection = pytest.mark.parametrize("collection", COLLECTIONS.values(), ids=list(COLLECTIONS))


@pytest.fixture
def caller() -> Iterator[Caller]:
    tenant = Tenant(seed=1, people=5, first_day=FIRST, last_day=LAST)
    with SimulatedTenant(tenant, Options(page_size=7)) as simulated, requests.Session() as session:
        yield Caller(simulated, session)


def path_of(collection: Collection, *more: str) -> str:
    dates = [f"filter=date ge '{BEFORE}'"] if collection.is_dated else []
    query = "&".join([*dates, *more])
    return f"{collection.path}?{query}" if query else collection.path


@every_collection
def test_the_pages_of_a_list_hold_every_record(collection: Collection, caller: Caller) -> None:
    served = caller.records(path_of(collection))
    truth = caller.simulated.tenant.records(collection.path)
    assert [one["id"] for one in served] == [one.id for one in truth]
    assert len(truth) > 4
    single = caller.get(f"{collection.path}/{truth[0].id}")
    assert (single.json() == served[0]) if collection.single else (single.status_code == 404)
    assert caller.get(f"{collection.path}/999999999999").status_code == 404


@pytest.mark.parametrize("collection", [one for one in COLLECTIONS.values() if one.delta], ids=lambda one: one.path)
def test_a_delta_reports_an_edit_and_a_removal(collection: Collection, caller: Caller) -> None:
    tenant = caller.simulated.tenant
    link = caller.pages(path_of(collection, "delta"))[-1]["deltaLink"]
    edited, removed, *_ = tenant.records(collection.path)
    version = tenant.edit_record(collection.path, edited.id).change_version
    deleted = tenant.remove_record(collection.path, removed.id)
    reported = caller.get(link).json()["value"]
    assert {(one["changeType"], one["data"]["id"], one["data"]["changeVersion"]) for one in reported} == {
        ("InsertOrUpdate", edited.id, version),
        ("Delete", removed.id, deleted),
    }


def test_totals_follow_the_clockings_of_their_day(caller: Caller) -> None:
    tenant = caller.simulated.tenant
    before = {(one.person.id, one.date): one for one in tenant.records("calculated-totals")}
    edited = next(one for one in tenant.truth() if one.kind == "InOut" and one.status == "Active" and one.date < LAST)
    others = [one for one in tenant.clockings_of(edited.person.id) if one.date == edited.date and one.kind == "InOut"]
    latest = max(others, key=lambda one: one.time_of_day_in_minutes)
    tenant.edit(latest.id, time_of_day_in_minutes=latest.time_of_day_in_minutes + 60, status="Active")
    after = {(one.person.id, one.date): one for one in tenant.records("calculated-totals")}
    changed = {key for key, one in after.items() if one != before[key]}
    assert {person for person, _ in changed} == {edited.person.id}
    assert min(day for _, day in changed) == edited.date
    key = (edited.person.id, edited.date)
    assert after[key].id == before[key].id
    assert after[key].change_version > before[key].change_version
    for day in (edited.date, LAST):
        balances = [one[edited.person.id, day].flextime_balance_in_minutes for one in (before, after)]
        assert balances[0] != balances[1], "a balance runs on"


def test_a_collection_without_dates_takes_no_filter(caller: Caller) -> None:
    answer = caller.get("absence-definitions?filter=date ge '2026-03-01'")
    assert answer.status_code == 400
    kinds = caller.get(f"calculated-totals?filter=date ge '{BEFORE}' and kind eq 'InOut'")
    assert (kinds.status_code, "kind" in kinds.text) == (400, True)


def test_absence_definitions_are_the_reasons_of_clockings(caller: Caller) -> None:
    reasons = {one.id for one in caller.simulated.tenant.records("absence-definitions") if one.is_reason_for_clocking}
    assert {one.reason.id for one in Tenant(1, 60, FIRST, LAST).truth() if one.reason.id} <= reasons
