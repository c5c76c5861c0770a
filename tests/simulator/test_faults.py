"""What the simulated tenant does when it has to misbehave, as a client sees it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests

from protime_etl.simulator.faults import Fault, FaultError, FaultPlan, FaultSchedule, Question, RateLimit, read_plan
from protime_etl.simulator.mutations import Changes
from protime_etl.simulator.server import SimulatedTenant, changing
from protime_etl.simulator.state import Tenant

if TYPE_CHECKING:
    from tests.simulator.caller import Caller


def follow(caller: Caller, text: str) -> None:
    answer = caller.session.put(f"{caller.simulated.url}/_simulator/faults", data=text)
    assert answer.status_code == 200, answer.text


def ask(caller: Caller, token: str) -> requests.Response:
    return caller.get(f"clockings?filter={caller.everything}", token)


def test_statuses_by_count_and_at_the_nth_request(caller: Caller) -> None:
    token = caller.token()
    follow(
        caller,
        """
        [[fault]]
        kind = "status"
        status = 503
        count = 2
        [[fault]]
        kind = "status"
        status = 500
        at = [4]
        """,
    )
    answers = [ask(caller, token) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [503, 503, 200, 500, 200, 200]
    assert answers[0].json()["error"]["code"]
    state = caller.session.get(f"{caller.simulated.url}/_simulator/state").json()
    assert state["faults"] == {"status": 3}


def test_a_rate_is_kept_and_repeats_with_the_seed() -> None:
    plan = FaultPlan(seed=3, fault=(Fault(kind="reset", rate=0.2),))
    one, other = FaultSchedule(plan), FaultSchedule(plan)
    first = [len(one.next(Question("people"))) for _ in range(2000)]
    assert first == [len(other.next(Question("people"))) for _ in range(2000)]
    assert 320 < sum(first) < 480


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", requests.exceptions.ConnectionError),
        ("truncate", requests.exceptions.ChunkedEncodingError),
        ("stall", requests.exceptions.ChunkedEncodingError),
    ],
)
def test_connections_break(caller: Caller, kind: str, error: type[Exception]) -> None:
    token = caller.token()
    follow(caller, f'[[fault]]\nkind = "{kind}"\ncount = 1\nseconds = 0.3')
    with pytest.raises(error):
        ask(caller, token)
    assert ask(caller, token).status_code == 200


def test_garbage_slow_answers_and_expiry(caller: Caller) -> None:
    token = caller.token()
    follow(
        caller,
        """
        fault = [
            {kind = "garbage", at = [1]}, {kind = "slow", at = [2], seconds = 0.3},
            {kind = "expire", at = [3], on = ["clockings"]},
        ]
        """,
    )
    assert ask(caller, token).text.startswith("<html>")
    began = time.monotonic()
    link = ask(caller, token).json()["nextLink"]
    assert time.monotonic() - began >= 0.3
    assert caller.get(link, token).status_code == 409


def test_revoked_tokens_and_edits_during_paging(caller: Caller) -> None:
    token = caller.token()
    before = caller.simulated.tenant.truth()
    follow(caller, 'fault = [{kind = "revoke", at = [2]}, {kind = "edit", at = [1], changes = 5}]')
    assert ask(caller, token).status_code == 200
    assert caller.simulated.tenant.truth() != before
    assert ask(caller, token).status_code == 401
    follow(caller, "")
    assert ask(caller, caller.token()).status_code == 200


def test_a_rate_limit_grows_and_counts_who_asks_meanwhile(caller: Caller) -> None:
    token = caller.token()
    follow(caller, "[rate_limit]\nrequests = 2\nseconds = 60\nretry_after = 1\ngrowth = 3")
    answers = [ask(caller, token) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, None, "1", "3"]
    assert caller.simulated.served.misbehaviour.during_pause == 0, "the first of these were on their way"
    time.sleep(0.4)
    ask(caller, token)
    assert caller.simulated.served.misbehaviour.during_pause == 1


def test_a_new_window_starts_over() -> None:
    sequence = FaultSchedule(FaultPlan(rate_limit=RateLimit(requests=1, seconds=10, retry_after=2, growth=2)))
    assert [sequence.limited(now) for now in (0, 1, 2, 11, 12, 31, 42, 43)] == [None, 2, 4, None, 8, None, None, 2]


def test_retry_after_as_a_date(caller: Caller) -> None:
    token = caller.token()
    follow(caller, 'fault = [{kind = "status", status = 503, retry_after = 2, as_date = true, count = 1}]')
    assert ask(caller, token).headers["Retry-After"].endswith("GMT")


@pytest.mark.parametrize(
    "text", ["fault = 3", '[[fault]]\nkind = "nonsense"', '[[fault]]\nkind = "reset"\nrat = 1', "no toml ["]
)
def test_a_plan_that_cannot_be_read_is_refused(caller: Caller, text: str) -> None:
    with pytest.raises(FaultError, match="fault plan cannot be read"):
        read_plan(text)
    assert caller.session.put(f"{caller.simulated.url}/_simulator/faults", data=text).status_code == 400


def test_changes_follow_from_the_seed_and_touch_everything() -> None:
    tenants = [Tenant(seed=1, people=5) for _ in range(2)]
    for tenant in tenants:
        Changes(tenant, seed=4).make(200)
    assert tenants[0].truth() == tenants[1].truth()
    before = {one.id: one for one in Tenant(seed=1, people=5).truth()}
    after = {one.id: one for one in tenants[0].truth()}
    both = before.keys() & after.keys()
    assert after.keys() - before.keys()
    assert before.keys() - after.keys()
    assert any(before[one].date != after[one].date for one in both)
    assert any(before[one].person != after[one].person for one in both)
    assert any(after[one].status == "Deleted" != before[one].status for one in both)


def test_a_tenant_that_changes_all_the_time() -> None:
    with SimulatedTenant(Tenant(people=3)) as simulated:
        changes = Changes(simulated.tenant)
        with changing(changes, 200):
            time.sleep(0.3)
        made = changes.made
        assert made > 10
        time.sleep(0.05)
        assert changes.made == made


def test_a_fault_may_be_about_the_people_of_a_question() -> None:
    plan = read_plan(
        '[[fault]]\nkind = "status"\ncount = 9\npeople_over = 2\n[[fault]]\nkind = "reset"\ncount = 9\nperson = 7'
    )
    schedule = FaultSchedule(plan)

    def struck(people: frozenset[int] | None, of_list: bool = True) -> list[str]:
        return [fault.kind for fault in schedule.next(Question("clockings", of_list, people))]

    assert struck(frozenset({1, 2})) == []
    assert struck(frozenset({1, 2, 7})) == ["status", "reset"]
    assert struck(frozenset({7})) == ["reset"]
    assert struck(None) == ["status"], "a list without people is one of all people"
    assert struck(None, of_list=False) == []


def test_a_restored_tenant_has_its_old_records_and_versions_and_gives_them_again(caller: Caller) -> None:
    token, tenant = caller.token(), caller.simulated.tenant
    follow(caller, 'fault = [{kind = "restore", at = [2]}]')
    before = tenant.truth()
    first = before[0]
    edited = tenant.edit(first.id, time_of_day_in_minutes=601)
    tenant.hard_delete(before[1].id)
    added = tenant.add(first.person.id, first.date, 602)
    assert ask(caller, token).status_code == 200
    assert tenant.truth() != before
    assert ask(caller, token).status_code == 200
    assert tenant.truth() == before
    assert tenant.clockings_of(first.person.id)[0] == first
    again = tenant.edit(first.id, time_of_day_in_minutes=603)
    assert again.change_version == edited.change_version
    assert tenant.add(first.person.id, first.date, 604).id == added.id
