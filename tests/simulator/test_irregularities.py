"""What real tenants have beside tidy days."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from protime_etl.simulator.state import Tenant

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 3, 31)


def test_an_irregular_tenant_has_what_goes_wrong() -> None:
    tidy, real = Tenant(1, 12, FIRST, LAST), Tenant(1, 12, FIRST, LAST, irregular=True)
    people, before = {one.id for one in real.people_truth()}, {one.id for one in tidy.people_truth()}
    (leaver,) = before - people
    assert real.clockings_of(leaver)
    assert {one.period_closing_date for one in real.people_truth()} == {dt.date(2026, 1, 31)}
    known = {one.id: one for one in tidy.truth()}
    now = {one.id: one for one in real.truth()}
    doubles = [now[number] for number in now.keys() - known.keys()]
    assert len(doubles) > 10
    punched = {(one.person.id, one.date, one.time_of_day_in_minutes) for one in real.truth()}
    assert all((one.person.id, one.date, one.time_of_day_in_minutes - 1) in punched for one in doubles)
    assert len(known.keys() - now.keys()) > 10  # forgotten
    assert sum(now[number].kind == "Reason" != known[number].kind for number in known.keys() & now.keys()) > 10
    pairs = Counter((one.person.id, one.date) for one in real.truth() if one.kind == "InOut")
    assert any(number % 2 for number in pairs.values())


def test_a_period_that_is_opened_again_is_a_change_of_the_person() -> None:
    tenant = Tenant(1, 3, FIRST, LAST, irregular=True)
    person = tenant.people_truth()[0]
    opened = tenant.edit_record("people", person.id, period_closing_date=None)
    assert (opened.period_closing_date, opened.change_version > person.change_version) == (None, True)
