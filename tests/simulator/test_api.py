from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
import requests
from urllib3.util import SKIP_HEADER

from protime_etl.collections.clockings import Clocking
from protime_etl.collections.collection import API_PATH
from protime_etl.simulator.generation.people import sensitive_fields
from protime_etl.simulator.options import CLOCKINGS_SCOPE, PEOPLE_SCOPE, Options
from protime_etl.simulator.record_index import circle_of, org_group_of
from protime_etl.simulator.server import SimulatedTenant, serve
from protime_etl.simulator.state import Tenant

if TYPE_CHECKING:
    from tests.simulator.caller import Caller


def test_paging_to_the_end_gives_everything(caller: Caller) -> None:
    pages = caller.pages(f"clockings?filter={caller.everything}")
    truth = caller.simulated.tenant.truth()
    records = [record for page in pages for record in page["value"]]
    assert msgspec.convert(records, list[Clocking]) == truth
    assert [len(page["value"]) for page in pages[:4]] == [100, 100, 0, 100]
    assert pages[-1].keys() == {"value"}
    assert all("nextLink" in page for page in pages[:-1])
    assert len({page["nextLink"] for page in pages[:-1]}) == len(pages) - 1


def test_the_link_is_relative_and_its_filter_in_clear(caller: Caller) -> None:
    encoded = "date+ge+%272026-01-01%27%20and%20date%20le%20'2026-01-31'"
    link = caller.get(f"clockings?filter={encoded}").json()["nextLink"]
    start = f"{API_PATH}/clockings?filter={caller.everything}&continuationToken=eyJ2YWxpZGF0"
    assert link.startswith(start)


def test_records_leave_out_what_is_absent(caller: Caller) -> None:
    record = next(record for record in caller.clockings() if record["isGenerated"])
    assert {"terminal", "geolocation", "reason", "isOpen", "activityLevels"}.isdisjoint(record)
    assert None not in record.values()


def test_filters_select(caller: Caller) -> None:
    truth = caller.simulated.tenant.truth()

    def ids(condition: str) -> list[int]:
        path = f"clockings?filter=date ge '2026-01-10' and date le '2026-01-20' and {condition}"
        return [record["id"] for record in caller.records(path)]

    def expected(wanted: list[Clocking]) -> list[int]:
        return [one.id for one in wanted if "2026-01-10" <= one.date.isoformat() <= "2026-01-20"]

    assert ids("person in (100001,100002,5)") == expected([one for one in truth if one.person.id <= 100_002])
    assert ids("person in circle(2,3)") == expected([one for one in truth if circle_of(one.person.id) in {2, 3}])
    assert ids("person in org-group (101)") == expected([one for one in truth if org_group_of(one.person.id) == 101])
    assert ids("(kind eq 'Reason' or kind eq 'Activity')") == expected(
        [one for one in truth if one.kind in {"Reason", "Activity"}]
    )
    assert ids("person eq 1") == []


def test_people_page_and_carry_sensitive_fields(caller: Caller) -> None:
    with SimulatedTenant(caller.simulated.tenant, Options(page_size=5, empty_page_every=2)) as simulated:
        small = type(caller)(simulated, caller.session)
        pages = small.pages("people")
    assert [len(page["value"]) for page in pages] == [5, 0, 5, 0, 2]
    assert all("filter" not in page.get("nextLink", "") for page in pages)
    people = [record for page in pages for record in page["value"]]
    assert [record["id"] for record in people] == [person.id for person in caller.simulated.tenant.people_truth()]
    assert people[0].items() >= sensitive_fields(100_001).items()
    assert people[0]["lastName"] == "Person 100001"


def test_single_resources(caller: Caller) -> None:
    first = caller.simulated.tenant.truth()[0]
    assert caller.get(f"clockings/{first.id}").json() == msgspec.to_builtins(first)
    assert caller.get("people/100001").json()["badgeNumber"] == "7100001"
    for path in ("clockings/1", "clockings/x", "clockings/9999999999999999999999", "people/1", "terminals"):
        answer = caller.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")


def test_edits_and_deletes_are_visible(caller: Caller) -> None:
    tenant = caller.simulated.tenant
    first, second, third, fourth = (clocking.id for clocking in tenant.truth()[:4])
    caller.clockings()
    edited = tenant.edit(first, time_of_day_in_minutes=500)
    tenant.soft_delete(second)
    tenant.hard_delete(third)
    tenant.replace_raw(fourth, {"id": fourth, "date": None, "new": [1]})
    added = tenant.add(100_003, tenant.first_day, 600, kind="Reason")
    served = {record["id"]: record for record in caller.clockings()}
    assert served[first] == msgspec.to_builtins(edited)
    assert served[second]["status"] == "Deleted"
    assert third not in served
    assert served[fourth] == caller.get(f"clockings/{fourth}").json() == {"id": fourth, "date": None, "new": [1]}
    assert served[added.id]["kind"] == "Reason"
    assert caller.get(f"clockings/{third}").status_code == 404


def test_a_removed_record_moves_no_other_to_another_page(caller: Caller) -> None:
    tenant = caller.simulated.tenant
    page = caller.get(f"clockings?filter={caller.everything}").json()
    expected = [clocking.id for clocking in tenant.truth()][100:200]
    tenant.hard_delete(page["value"][0]["id"])
    assert [record["id"] for record in caller.get(page["nextLink"]).json()["value"]] == expected


def test_a_continuation_token_is_good_for_its_list_only(caller: Caller) -> None:
    link = caller.get(f"clockings?filter={caller.everything}").json()["nextLink"]
    start, token = link.split("continuationToken=")
    inside = msgspec.json.decode(base64.b64decode(token))
    forged = base64.b64encode(msgspec.json.encode({**inside, "after": 1})).decode()
    for bad in (forged, token[:-4], f"A{token}", "", "eyJ2YWxpZGF0", "W10=", "%C3%A9"):
        answer = caller.get(f"{start}continuationToken={bad}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "Conflict")
    other = f"clockings?filter=date ge '2026-01-01'&continuationToken={token}"
    assert caller.get(other).status_code == 409
    assert caller.get(f"people?continuationToken={token}").status_code == 409


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?filter=",
        "?filter=date gt '2026-01-01'",
        "?filter=person eq 1",
        "?filter=date ge '2026-01-01'&filter=date ge '2026-01-01'",
    ],
)
def test_a_bad_filter_is_answered_with_reasons(caller: Caller, query: str) -> None:
    answer = caller.get(f"clockings{query}")
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["code"], error["message"]) == ("BadRequest", "The request was invalid")
    assert all(error["reasons"])


def test_people_take_no_filter(caller: Caller) -> None:
    assert caller.get("people?filter=person eq 100001").status_code == 400


@pytest.mark.parametrize("agent", [SKIP_HEADER, ""])
def test_the_user_agent_is_mandatory(caller: Caller, agent: str) -> None:
    for path in ("people", "people/100001", "clockings/18000000", f"clockings?filter={caller.everything}"):
        answer = caller.get(path, agent=agent)
        assert answer.status_code == 400
        assert "User-Agent" in answer.json()["error"]["reasons"][0]


def test_without_a_good_token_401(caller: Caller) -> None:
    good = caller.token()
    for token in ("", "eyJhbGciOi", f"{good}x"):
        answer = caller.get("people", token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "Unauthorized")
    assert caller.session.get(f"{caller.simulated.url}{API_PATH}/people").status_code == 401
    assert caller.get("people", good).status_code == 200
    caller.simulated.served.revoke_tokens()
    assert caller.get("people", good).status_code == 401


def test_without_the_scope_403(caller: Caller) -> None:
    clockings, people = caller.token(CLOCKINGS_SCOPE), caller.token(PEOPLE_SCOPE)
    assert caller.get("people", people).status_code == 200
    assert caller.get("people", clockings).status_code == 403
    assert caller.get("people/100001", clockings).status_code == 403
    answer = caller.get(f"clockings?filter={caller.everything}", people)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Forbidden")


def test_a_uri_may_have_4096_characters(caller: Caller) -> None:
    start = f"{caller.simulated.url}{API_PATH}/clockings?filter=date%20ge%20'2026-01-01'"
    blanks, rest = divmod(4096 - len(start), 3)
    fits = f"{start}{'%20' * blanks}{'+' * rest}"
    headers = {"Authorization": f"Bearer {caller.token()}"}
    assert caller.session.get(fits, headers=headers).status_code == 200
    answer = caller.session.get(f"{fits}+", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (414, "UriTooLong")
    assert caller.simulated.served.longest_uri == 4097


def test_other_methods_are_refused(caller: Caller) -> None:
    answer = caller.session.delete(f"{caller.simulated.url}{API_PATH}/clockings/18000000")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "MethodNotAllowed")


def test_the_state_is_open_to_read(caller: Caller) -> None:
    caller.get("people")
    caller.get("people", "bad")
    state = caller.session.get(f"{caller.simulated.url}/_simulator/state").json()
    assert state == {
        "requests": {"token": 1, "people": 2, "refused": 1},
        "longest_uri": len(f"{caller.simulated.url}{API_PATH}/people"),
        "faults": {},
        "during_pause": 0,
        **caller.simulated.tenant.counts(),
    }


def test_latency_holds_answers_back() -> None:
    with SimulatedTenant(Tenant(people=1), Options(latency=0.2)) as simulated:
        start = time.monotonic()
        requests.get(f"{simulated.url}{API_PATH}/people", timeout=10)
        assert time.monotonic() - start >= 0.2


def test_it_stops_with_the_block_and_can_start_again() -> None:
    simulated = SimulatedTenant(Tenant(people=1))
    with simulated:
        first = simulated.url
        assert requests.get(f"{first}/_simulator/state", timeout=10).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{first}/_simulator/state", timeout=10)
    with simulated:
        assert requests.get(f"{simulated.url}/_simulator/state", timeout=10).status_code == 200


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="without an end"):
        Options(empty_page_every=1)
    with pytest.raises(ValueError, match="at least one"):
        Options(page_size=0)


def test_serve_reports_its_url_once_it_answers() -> None:
    answered = threading.Event()
    urls: list[str] = []

    def on_ready(url: str) -> None:
        urls.append(url)
        answered.set()

    tenant = Tenant(people=1)
    threading.Thread(target=serve, args=(tenant,), kwargs={"on_ready": on_ready}, daemon=True).start()
    assert answered.wait(10)
    state = requests.get(f"{urls[0]}/_simulator/state", timeout=10).json()
    assert state.items() >= {"requests": {}, "longest_uri": 0, **tenant.counts()}.items()


def test_serve_says_when_the_port_is_taken(caller: Caller) -> None:
    port = int(caller.simulated.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        serve(caller.simulated.tenant, port=port)
