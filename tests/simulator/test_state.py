from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import msgspec
import pytest

from protime_etl.collections.record import Geolocation, OptionalReference, Reference
from protime_etl.simulator.generation.clockings import FIRST_CLOCKING_ID, works_nights
from protime_etl.simulator.state import Tenant

FIRST_DAY = dt.date(2026, 1, 1)
LAST_DAY = dt.date(2026, 3, 31)


@pytest.fixture(scope="module")
def quarter() -> Tenant:
    return Tenant(seed=1, people=60, first_day=FIRST_DAY, last_day=LAST_DAY)


def test_the_seed_decides_everything(quarter: Tenant) -> None:
    again = Tenant(1, 60, FIRST_DAY, LAST_DAY)
    assert again.truth() == quarter.truth()
    assert again.people_truth() == quarter.people_truth()
    assert Tenant(2, 60, FIRST_DAY, LAST_DAY).truth() != quarter.truth()


def test_by_default_fifty_people_and_the_thirty_days_up_to_today() -> None:
    tenant = Tenant(today=dt.date(2026, 6, 30))
    assert (tenant.first_day, tenant.last_day) == (dt.date(2026, 6, 1), dt.date(2026, 6, 30))
    assert [person.id for person in tenant.people_truth()] == list(range(100_001, 100_051))


def test_ids_and_change_versions_are_unique_and_well_formed(quarter: Tenant) -> None:
    clockings = quarter.truth()
    assert [clocking.id for clocking in clockings] == list(range(FIRST_CLOCKING_ID, FIRST_CLOCKING_ID + len(clockings)))
    versions = [clocking.change_version for clocking in clockings]
    versions += [person.change_version for person in quarter.people_truth()]
    assert len(set(versions)) == len(versions)
    assert all(len(version) == 20 and set(version) <= set("0123456789ABCDEF") for version in versions)


def test_the_shape_is_that_of_a_real_tenant(quarter: Tenant) -> None:
    clockings = quarter.truth()
    total = len(clockings)
    kinds = Counter(clocking.kind for clocking in clockings)
    statuses = Counter(clocking.status for clocking in clockings)
    edited = [clocking for clocking in clockings if clocking.original_time_of_day_in_minutes is not None]
    assert kinds.keys() == {"InOut", "Reason", "Activity", "ActivityEnd"}
    assert kinds["Activity"] == kinds["ActivityEnd"]
    assert statuses.keys() == {"Active", "Deleted"}
    assert 0.005 < statuses["Deleted"] / total < 0.02
    assert 0.01 < len(edited) / total < 0.03
    assert all(clocking.date.weekday() < 5 for clocking in clockings)
    assert sum(clocking.terminal.id is not None for clocking in clockings) / total > 0.9
    assert any(clocking.geolocation.latitude for clocking in clockings)
    assert {clocking.is_generated for clocking in clockings} == {True, False}
    assert all((clocking.reason.id is None) == (clocking.kind != "Reason") for clocking in clockings)
    assert all((clocking.is_open is None) == (clocking.kind != "Reason") for clocking in clockings)
    assert all((clocking.activity_levels is None) == (clocking.kind != "Activity") for clocking in clockings)
    newest_untouched = max(c.change_version for c in clockings if c.status == "Active" and c not in edited)
    assert all(clocking.change_version > newest_untouched for clocking in edited)


def test_a_night_begins_before_midnight_of_its_date(quarter: Tenant) -> None:
    by_day: dict[tuple[int, dt.date], list[int]] = {}
    for clocking in quarter.truth():
        if clocking.kind == "InOut":
            original = clocking.original_time_of_day_in_minutes
            minute = clocking.time_of_day_in_minutes if original is None else original
            by_day.setdefault((clocking.person.id, clocking.date), []).append(minute)
    assert all(len(minutes) == 4 and minutes == sorted(minutes) for minutes in by_day.values())
    nights = {person_id for (person_id, _), minutes in by_day.items() if minutes[0] < 0}
    assert nights == {person.id for person in quarter.people_truth() if works_nights(person.id)}
    assert len(nights) == 5


def test_what_is_absent_is_left_out_even_if_it_was_given_as_an_equal_object() -> None:
    tenant = Tenant(1, 1, FIRST_DAY, FIRST_DAY)
    added = tenant.add(100_001, FIRST_DAY, 480, terminal=OptionalReference(), geolocation=Geolocation(), status=None)
    assert msgspec.to_builtins(added) == {
        "id": added.id,
        "person": {"id": 100_001},
        "date": "2026-01-01",
        "timeOfDayInMinutes": 480,
        "kind": "InOut",
        "changeVersion": added.change_version,
        "isGenerated": False,
    }


def test_an_edit_keeps_the_first_original_time_and_gets_newer_versions() -> None:
    tenant = Tenant(1, 2, FIRST_DAY, FIRST_DAY)
    added = tenant.add(100_001, FIRST_DAY, 480)
    once = tenant.edit(added.id, time_of_day_in_minutes=485)
    twice = tenant.edit(added.id, time_of_day_in_minutes=490, person=Reference(id=100_002))
    assert once.original_time_of_day_in_minutes == twice.original_time_of_day_in_minutes == 480
    assert added.change_version < once.change_version < twice.change_version
    assert twice in tenant.truth()
    assert once not in tenant.truth()


def test_what_is_not_there_cannot_be_changed() -> None:
    tenant = Tenant(1, 1, FIRST_DAY, FIRST_DAY)
    for change in (tenant.edit, tenant.soft_delete, tenant.hard_delete):
        with pytest.raises(KeyError):
            change(1)
    with pytest.raises(KeyError):
        tenant.replace_raw(1, {})
    with pytest.raises(KeyError):
        tenant.add(1, FIRST_DAY, 480)
    with pytest.raises(ValueError, match="the tenant alone"):
        tenant.edit(FIRST_CLOCKING_ID, id=5)


def test_the_truth_about_a_raw_object_is_what_its_documented_fields_say() -> None:
    tenant = Tenant(1, 1, FIRST_DAY, FIRST_DAY)
    added = tenant.add(100_001, FIRST_DAY, 480, terminal=OptionalReference(id=7))
    known = msgspec.to_builtins(added)
    tenant.replace_raw(added.id, {**known, "new": 1, "terminal": {"id": 7, "name": "new"}, "reason": None})
    assert tenant.truth()[-1] == added
    tenant.replace_raw(added.id, {**known, "timeOfDayInMinutes": "late"})
    assert added.id not in {clocking.id for clocking in tenant.truth()}
    restored = tenant.soft_delete(added.id)
    assert tenant.truth()[-1] == restored


def test_threads_may_change_it_at_the_same_time() -> None:
    tenant = Tenant(1, 3, FIRST_DAY, FIRST_DAY)
    before = tenant.counts()["clockings"]

    def work() -> None:
        for minute in range(200):
            tenant.edit(tenant.add(100_002, FIRST_DAY, minute).id, time_of_day_in_minutes=minute + 1)
            tenant.truth()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clockings = tenant.truth()
    assert len(clockings) == tenant.counts()["clockings"] == before + 800
    assert len({clocking.change_version for clocking in clockings}) == len(clockings)


def test_what_is_still_to_come_comes_when_it_is_time() -> None:
    day = dt.date(2026, 3, 20)
    noon = dt.datetime.combine(day, dt.time(12))
    whole = Tenant(seed=1, people=20, first_day=day, last_day=day)
    tenant = Tenant(seed=1, people=20, first_day=day, last_day=day, until=noon)
    assert 0 < len(tenant.truth()) < len(whole.truth())
    assert all(one.time_of_day_in_minutes <= 720 for one in tenant.truth())
    newest = max(one.change_version for one in tenant.truth())
    tenant.catch_up(noon + dt.timedelta(hours=5))
    came = [one for one in tenant.truth() if one.time_of_day_in_minutes > 720]
    assert came
    assert all(one.change_version > newest for one in came)
    tenant.catch_up(noon + dt.timedelta(days=1))
    assert {one.id for one in tenant.truth()} == {one.id for one in whole.truth()}
