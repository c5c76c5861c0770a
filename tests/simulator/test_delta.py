"""What a delta reports, in which order, and what it keeps to itself."""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.collection import API_PATH
from protime_etl.simulator.options import Options
from tests.simulator.polls import (
    INSIDE,
    JANUARY,
    NOW,
    OPEN_ENDED,
    OUTSIDE,
    PERSON,
    by_version,
    poll,
    refusal,
    removal,
    serving,
    started,
    upsert,
)

if TYPE_CHECKING:
    from tests.simulator.caller import Caller


def test_the_initial_load_is_a_list_whose_last_page_has_the_link(delta: Caller) -> None:
    pages = delta.pages(JANUARY)
    records = [record for page in pages for record in page["value"]]
    assert msgspec.convert(records, list[Clocking]) == delta.simulated.tenant.truth()
    assert any("isOpen" in record for record in records)
    assert all(page.keys() == {"value", "nextLink"} for page in pages[:-1])
    assert pages[-1].keys() == {"value", "deltaLink"}
    assert pages[-1]["deltaLink"].startswith(f"{API_PATH}/delta/clockings?deltaToken=eyJkZWx0YUlk")
    start = f"{API_PATH}/clockings?filter=date ge '2026-01-01' and date le '2026-01-31'&continuationToken=eyJ2YWxpZGF0"
    assert pages[0]["nextLink"].startswith(start)
    assert "&deltaToken=eyJkZWx0YUlk" in pages[0]["nextLink"]
    assert len(pages) > 3


def test_a_plain_list_has_no_delta_link(delta: Caller) -> None:
    assert all("deltaLink" not in page and "deltaToken" not in str(page) for page in delta.pages(JANUARY[:-6]))


def test_a_token_says_what_is_documented(delta: Caller) -> None:
    token = started(delta).split("deltaToken=")[1]
    said = msgspec.json.decode(base64.urlsafe_b64decode(token))
    assert said.keys() == {"deltaId", "startingCursor", "timeStamp", "signature"}
    assert dt.datetime.fromisoformat(said["timeStamp"]) - NOW < dt.timedelta(minutes=5)


def test_every_link_is_fresh_even_when_nothing_changed(delta: Caller) -> None:
    links = [started(delta)]
    for _ in range(3):
        items, link = poll(delta, links[-1])
        assert items == []
        links.append(link)
    assert len(set(links)) == 4


def test_changes_are_reported_once_and_wrapped(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    link = started(delta)
    first, second, third = (clocking.id for clocking in tenant.truth()[:3])
    added = tenant.add(PERSON, INSIDE, 600, kind="Reason", is_open=True)
    edited = tenant.edit(first, time_of_day_in_minutes=500)
    deleted = tenant.soft_delete(second)
    version = tenant.hard_delete(third)
    items, following = poll(delta, link)
    reported = msgspec.structs.replace(added, is_open=None)
    assert by_version(items) == [upsert(reported), upsert(edited), upsert(deleted), removal(third, version)]
    assert deleted.status == "Deleted"
    assert "isOpen" not in str(items)
    assert deleted.change_version < version
    assert poll(delta, following)[0] == []


def test_what_changes_during_the_initial_load_is_not_lost(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    ids = [clocking.id for clocking in tenant.truth()]
    page = delta.get(OPEN_ENDED).json()
    listed_before = tenant.edit(ids[0], time_of_day_in_minutes=1)
    listed_after = tenant.edit(ids[-1], time_of_day_in_minutes=2)
    version = tenant.hard_delete(ids[1])
    rest = delta.pages(page["nextLink"])
    shown = [record for part in rest for record in part["value"]]
    assert msgspec.to_builtins(listed_after) in shown
    items, _ = poll(delta, rest[-1]["deltaLink"])
    assert by_version(items) == [upsert(listed_before), upsert(listed_after), removal(ids[1], version)]


def test_a_link_may_be_used_again_and_then_reports_newer_changes_too(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    link = started(delta)
    older = tenant.add(PERSON, INSIDE, 600)
    assert poll(delta, link)[0] == poll(delta, link)[0] == [upsert(older)]
    _, following = poll(delta, link)
    newer = tenant.add(PERSON, INSIDE, 601)
    assert by_version(poll(delta, link)[0]) == [upsert(older), upsert(newer)]
    assert poll(delta, following)[0] == [upsert(newer)]


def test_a_used_link_is_refused_if_so_chosen(caller: Caller) -> None:
    with serving(caller, Options(replay_delta_links=False)) as strict:
        first = started(strict)
        _, second = poll(strict, first)
        assert refusal(strict.get(first)) == (409, "Conflict")
        _, third = poll(strict, second)
        assert refusal(strict.get(first)) == refusal(strict.get(second)) == (409, "Conflict")
        assert poll(strict, third)[0] == []


def test_what_moves_in_or_out_of_the_filter(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    link = started(delta, JANUARY)
    never_inside = tenant.add(PERSON, OUTSIDE, 600)
    tenant.edit(never_inside.id, time_of_day_in_minutes=601)
    tenant.hard_delete(tenant.add(PERSON, OUTSIDE, 700).id)
    moved_in = tenant.edit(tenant.add(PERSON, OUTSIDE, 800).id, date=INSIDE)
    moved_out = tenant.edit(tenant.truth()[0].id, date=OUTSIDE)
    tenant.edit(moved_out.id, time_of_day_in_minutes=1)
    items, following = poll(delta, link)
    assert by_version(items) == [upsert(moved_in), removal(moved_out.id, moved_out.change_version)]
    back = tenant.edit(moved_out.id, date=INSIDE)
    assert poll(delta, following)[0] == [upsert(back)]


def test_what_is_no_longer_of_the_kind_has_moved_out_too(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    link = started(delta, "clockings?filter=kind eq 'Reason' and date ge '2026-01-01'&delta")
    reason = tenant.add(PERSON, INSIDE, 600, kind="Reason")
    tenant.add(PERSON, INSIDE, 601)
    changed = tenant.edit(reason.id, kind="InOut")
    assert by_version(poll(delta, link)[0]) == [upsert(reason), removal(reason.id, changed.change_version)]


def test_what_moved_out_may_stay_unreported(caller: Caller) -> None:
    with serving(caller, Options(moved_out_of_delta="nothing")) as silent:
        tenant = silent.simulated.tenant
        link = started(silent, JANUARY)
        first, second = (clocking.id for clocking in tenant.truth()[:2])
        tenant.edit(first, date=OUTSIDE)
        version = tenant.hard_delete(second)
        assert poll(silent, link)[0] == [removal(second, version)]


def test_older_versions_come_too_and_after_newer_ones(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    link = started(delta)
    versions: dict[int, list[str]] = {}
    for clocking in tenant.truth()[:20]:
        edits = [tenant.edit(clocking.id, time_of_day_in_minutes=minute).change_version for minute in range(4)]
        versions[clocking.id] = [*edits, tenant.hard_delete(clocking.id)]
    items, _ = poll(delta, link)
    assert items == poll(delta, link)[0]
    arrived: dict[int, list[str]] = {}
    for item in items:
        arrived.setdefault(item["data"]["id"], []).append(item["data"]["changeVersion"])
    assert {key: sorted(reported) for key, reported in arrived.items()} == versions
    assert all(reported[-1] != max(reported) for reported in arrived.values())
    assert Counter(item["changeType"] for item in items) == {"InsertOrUpdate": 80, "Delete": 20}


def test_single_changes_are_out_of_order_too(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    link = started(delta)
    for size in (2, 3, 5):
        added = [tenant.add(PERSON, INSIDE, minute).change_version for minute in range(size)]
        items, link = poll(delta, link)
        reported = [item["data"]["changeVersion"] for item in items]
        assert sorted(reported) == added != reported


def test_without_shuffling_only_the_newest_version_comes_and_in_order(caller: Caller) -> None:
    with serving(caller, Options(shuffle_delta=False)) as tidy:
        tenant = tidy.simulated.tenant
        link = started(tidy)
        first, second, third = (clocking.id for clocking in tenant.truth()[:3])
        tenant.edit(first, time_of_day_in_minutes=1)
        tenant.edit(second, time_of_day_in_minutes=2)
        tenant.edit(third, time_of_day_in_minutes=3)
        expected = [upsert(tenant.edit(second, time_of_day_in_minutes=4)), upsert(tenant.soft_delete(first))]
        expected.append(removal(third, tenant.hard_delete(third)))
        assert poll(tidy, link)[0] == expected


def test_a_raw_object_is_reported_in_the_place_of_its_version(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    link = started(delta)
    added = tenant.add(PERSON, INSIDE, 600)
    raw = {"id": added.id, "changeVersion": added.change_version, "new": [1]}
    tenant.replace_raw(added.id, {**raw, "isOpen": True})
    items, following = poll(delta, link)
    assert items == [{"changeType": "InsertOrUpdate", "data": raw}]
    restored = tenant.edit(added.id, time_of_day_in_minutes=1)
    assert poll(delta, following)[0] == [upsert(restored)]
