"""What a delta takes, how long it lives, and what ends it."""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import pytest

from protime_etl.simulator.clock import Clock
from protime_etl.simulator.generation.people import sensitive_fields
from protime_etl.simulator.options import CLOCKINGS_SCOPE, PEOPLE_SCOPE, Options
from protime_etl.simulator.state import Tenant
from tests.simulator.polls import (
    INSIDE,
    NOW,
    OPEN_ENDED,
    PERSON,
    Item,
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


@pytest.mark.parametrize(
    ("condition", "reasons"),
    [
        ("date ge '2024-12-31'", ["The start date of a delta cannot be before 2025-01-01."]),
        ("date ge '2026-01-01' and person eq 100001", ["A delta cannot be combined with a person filter."]),
        ("date ge '2026-01-01' and person in circle(2)", ["A delta cannot be combined with a person filter."]),
        (
            "date ge '2024-12-31' and person in (1)",
            [
                "A delta cannot be combined with a person filter.",
                "The start date of a delta cannot be before 2025-01-01.",
            ],
        ),
        (
            "date ge '2025-01-01' and date le '2026-01-03'",
            ["The provided date range is invalid: it is longer than one year."],
        ),
        ("date le '2026-01-31'", ["The filter needs a start date: date ge 'YYYY-MM-DD'."]),
    ],
)
def test_a_filter_that_a_delta_does_not_take(delta: Caller, condition: str, reasons: list[str]) -> None:
    link = started(delta)
    answer = delta.get(f"clockings?filter={condition}&delta")
    assert refusal(answer) == (400, "BadRequest")
    assert answer.json()["error"]["reasons"] == reasons
    assert poll(delta, link)[0] == []


def test_the_earliest_start_goes_with_the_clock(delta: Caller) -> None:
    path = "clockings?filter=date ge '2025-01-01'&delta"
    assert delta.get(path).status_code == 200
    delta.simulated.clock.advance(dt.timedelta(days=334))
    assert delta.simulated.clock.today() == dt.date(2027, 1, 1)
    assert refusal(delta.get(path)) == (400, "BadRequest")


@pytest.mark.parametrize(
    "query",
    [
        "filter=date ge '2026-01-01'&delta=1",
        "filter=date ge '2026-01-01'&delta&delta",
        "filter=date ge '2026-01-01'&delta&continuationToken=x",
        "filter=date ge '2026-01-01'&delta&deltaToken=x",
        "filter=date ge '2026-01-01'&deltaToken=x",
        "filter=date ge '2026-01-01'&continuationToken=x&deltaToken=x",
    ],
)
def test_parameters_that_do_not_go_together(delta: Caller, query: str) -> None:
    assert refusal(delta.get(f"clockings?{query}")) == (400, "BadRequest")


def test_people_take_no_filter_with_a_delta_either(delta: Caller) -> None:
    assert refusal(delta.get("people?filter=date ge '2026-01-01'&delta")) == (400, "BadRequest")


def test_a_page_of_an_initial_load_is_bound_to_its_delta(delta: Caller) -> None:
    plain = delta.get(OPEN_ENDED[:-6]).json()["nextLink"]
    link = delta.get(OPEN_ENDED).json()["nextLink"]
    start, delta_token = link.split("&deltaToken=")
    assert refusal(delta.get(start)) == (409, "Conflict")
    assert refusal(delta.get(f"{plain}&deltaToken={delta_token}")) == (409, "Conflict")
    assert refusal(delta.get(link.replace("2026-01-01", "2026-01-02"))) == (409, "Conflict")
    assert refusal(delta.get(f"people?continuationToken=x&deltaToken={delta_token}")) == (400, "BadRequest")
    assert delta.get(link).status_code == delta.get(plain).status_code == 200


def test_a_token_that_was_not_given_out_is_invalid(delta: Caller) -> None:
    start, token = started(delta).split("deltaToken=")
    said = msgspec.json.decode(base64.urlsafe_b64decode(token))
    forged = base64.urlsafe_b64encode(msgspec.json.encode({**said, "startingCursor": 0})).decode()
    for bad in (forged, token[:-4], f"A{token}", "", "eyJkZWx0YUlk", "W10=", "%C3%A9"):
        assert refusal(delta.get(f"{start}deltaToken={bad}")) == (400, "BadRequest")
    assert refusal(delta.get("delta/clockings")) == (400, "BadRequest")
    assert refusal(delta.get(f"{start}deltaToken={token}&filter=x")) == (400, "BadRequest")
    assert refusal(delta.get(f"delta/people?deltaToken={token}")) == (400, "BadRequest")
    assert refusal(delta.get(f"delta/terminals?deltaToken={token}")) == (404, "NotFound")


def test_a_delta_expires_72_hours_after_the_last_request(delta: Caller) -> None:
    tenant, clock = delta.simulated.tenant, delta.simulated.clock
    link = delta.get(OPEN_ENDED).json()["nextLink"]
    clock.advance(dt.timedelta(hours=71))
    following = delta.pages(link)[-1]["deltaLink"]
    clock.advance(dt.timedelta(hours=71))
    _, following = poll(delta, following)
    tenant.add(PERSON, INSIDE, 600)
    assert len(tenant.history["clockings"]) == 1
    clock.advance(dt.timedelta(hours=72))
    for dead in (following, link):
        answer = delta.get(dead)
        assert refusal(answer) == (410, "Gone")
        assert "expired" in answer.json()["error"]["message"]
    assert len(tenant.history["clockings"]) == 0
    assert poll(delta, started(delta))[0] == []
    assert refusal(delta.get(following)) == (410, "Gone")


def test_the_clock_can_be_moved_on_over_http(delta: Caller) -> None:
    url = f"{delta.simulated.url}/_simulator/clock"
    link = started(delta)
    delta.simulated.tenant.add(PERSON, INSIDE, 600)
    answer = delta.session.post(f"{url}?advance_hours=73")
    now = dt.datetime.fromisoformat(answer.json()["now"])
    assert answer.status_code == 200
    assert dt.timedelta(0) <= delta.simulated.clock.now() - now < dt.timedelta(minutes=5)
    assert now - NOW >= dt.timedelta(hours=73)
    assert len(delta.simulated.tenant.history["clockings"]) == 0
    assert refusal(delta.get(link)) == (410, "Gone")
    for bad in ("", "?advance_hours=x", "?advance_hours=-1", "?advance_hours=nan", "?advance_hours=1e300"):
        assert refusal(delta.session.post(f"{url}{bad}")) == (400, "BadRequest")
    assert refusal(delta.session.post(f"{url}?advance_hours=80000000")) == (400, "BadRequest")
    assert refusal(delta.session.get(url)) == (405, "MethodNotAllowed")
    assert delta.simulated.clock.now() - now < dt.timedelta(minutes=5)


@pytest.mark.parametrize(("status", "code"), [(409, "Conflict"), (410, "Gone")])
def test_a_second_delta_of_a_collection_ends_the_first(caller: Caller, status: int, code: str) -> None:
    with serving(caller, Options(page_size=100, superseded_delta_status=status)) as served:
        tenant = served.simulated.tenant
        people = started(served, "people?delta")
        next_link = served.get(OPEN_ENDED).json()["nextLink"]
        delta_link = served.pages(next_link)[-1]["deltaLink"]
        tenant.add(PERSON, INSIDE, 600)
        second = started(served)
        assert refusal(served.get(next_link)) == refusal(served.get(delta_link)) == (status, code)
        assert poll(served, second)[0] == []
        assert poll(served, people)[0] == []
        assert len(tenant.history["clockings"]) == 0


def test_what_was_expired_stays_so_when_another_delta_starts(delta: Caller) -> None:
    link = started(delta)
    delta.simulated.clock.advance(dt.timedelta(hours=73))
    started(delta)
    assert refusal(delta.get(link)) == (410, "Gone")


def test_a_superseded_delta_needs_a_status_that_says_so() -> None:
    with pytest.raises(ValueError, match="409 or 410"):
        Options(superseded_delta_status=200)


def test_people_come_change_and_go(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    link = started(delta, "people?delta")
    theirs = [clocking for clocking in tenant.truth() if clocking.person.id == 100_003]
    added = tenant.add_person(last_name="New")
    edited = tenant.edit_record("people", 100_002, badge_number="X1")
    version = tenant.remove_record("people", 100_003)
    tenant.add(added.id, INSIDE, 600)

    def served(person_id: int, record: object) -> Item:
        item = upsert(record)
        item["data"] |= sensitive_fields(person_id)
        return item

    items, following = poll(delta, link)
    reported = [served(added.id, added), served(100_002, edited), removal(100_003, version)]
    assert by_version(items) == reported
    assert (added.id, added.last_name, added.first_name) == (100_013, "New", "Simulated")
    assert poll(delta, following)[0] == []
    assert delta.get(f"people/{added.id}").json() == reported[0]["data"]
    assert delta.get("people/100003").status_code == 404
    listed = delta.records("people")
    assert [record["id"] for record in listed] == [person.id for person in tenant.people_truth()]
    assert reported[1]["data"] in listed
    assert theirs == [clocking for clocking in tenant.truth() if clocking.person.id == 100_003]
    assert tenant.add_person().id == 100_014


def test_people_who_are_not_there_cannot_be_changed() -> None:
    tenant = Tenant(1, 1, INSIDE, INSIDE)
    for change in (tenant.edit_record, tenant.remove_record):
        with pytest.raises(KeyError):
            change("people", 1)
    with pytest.raises(ValueError, match="the tenant alone"):
        tenant.edit_record("people", PERSON, change_version="F")
    tenant.remove_record("people", PERSON)
    with pytest.raises(KeyError):
        tenant.add(PERSON, INSIDE, 600)


def test_nothing_is_remembered_without_a_delta(caller: Caller) -> None:
    tenant = caller.simulated.tenant
    tenant.soft_delete(tenant.truth()[0].id)
    tenant.add_person()
    caller.clockings()
    assert not any(map(len, tenant.history.values()))


def test_two_that_serve_one_tenant_have_a_delta_each(delta: Caller) -> None:
    tenant = delta.simulated.tenant
    first = started(delta)
    with serving(delta) as other:
        second = started(other)
        added = tenant.add(PERSON, INSIDE, 600)
        other.simulated.clock.advance(dt.timedelta(hours=73))
        assert refusal(other.get(second)) == (410, "Gone")
        assert refusal(other.get(first)) == (410, "Gone"), "as after a new start: nothing is known of it"
    assert poll(delta, first)[0] == [upsert(added)]


def test_tokens_and_scopes_are_needed_as_for_lists(delta: Caller) -> None:
    clockings, people = delta.token(CLOCKINGS_SCOPE), delta.token(PEOPLE_SCOPE)
    link, people_link = started(delta), started(delta, "people?delta")
    assert refusal(delta.get(link, "")) == (401, "Unauthorized")
    assert refusal(delta.get(link, people)) == refusal(delta.get(people_link, clockings)) == (403, "Forbidden")
    assert refusal(delta.get(link, clockings, agent="")) == (400, "BadRequest")
    assert delta.get(link, clockings).status_code == delta.get(people_link, people).status_code == 200


def test_requests_are_counted_by_kind(delta: Caller) -> None:
    pages = delta.pages(OPEN_ENDED)
    poll(delta, poll(delta, pages[-1]["deltaLink"])[1])
    poll(delta, started(delta, "people?delta"))
    delta.get("delta/people")
    kinds = {kind: number for kind, number in delta.simulated.served.requests.items() if kind != "token"}
    expected = {"clockings": len(pages), "clockings-delta": 2, "people": 1, "people-delta": 2, "refused": 1}
    assert kinds == expected


def test_a_clock_starts_where_it_is_set_and_never_goes_back() -> None:
    clock = Clock(dt.datetime(2026, 3, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))))
    assert clock.today() == dt.date(2026, 2, 28)
    assert abs(Clock().now() - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    with pytest.raises(ValueError, match="never moved back"):
        clock.advance(dt.timedelta(hours=-1))
