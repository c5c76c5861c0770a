"""Which unit is next, and when it is better to stop."""

from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.errors import (
    ForbiddenError,
    ProtimeError,
    RateLimited,
    ServerError,
    UnreadableError,
)
from protime_etl.sync.cutting import UnitCutError
from protime_etl.sync.worklist import FAILURES_IN_A_ROW, LEAVES_OF_ONE, WorkList, failure_of
from protime_etl.work import Counts, Unit

DAY = dt.date(2026, 3, 20)


def unit(number: int, people: tuple[int, ...] = (1, 2), part_of: int | None = None, failed: bool = False) -> Unit:
    return Unit(number, 1, "acme", people, DAY, DAY, part_of=part_of, failed=failed)


def worklist(*units: Unit, given_up: list[Unit] | None = None) -> WorkList:
    left = [] if given_up is None else given_up
    return WorkList(units, 60, lambda one, _: left.append(one))


def numbers(work: WorkList) -> list[int]:
    taken = []
    while len(work) and (one := work.take()) is not None:
        taken.append(one.unit_id)
        work.finish(one, Counts(rows_read=1))
    return taken


def test_parts_of_several_people_come_first_and_those_of_one_last() -> None:
    work = worklist(unit(1), unit(2, (1,), part_of=9), unit(3, part_of=9), unit(4, failed=True))
    assert numbers(work) == [3, 1, 2, 4]


def test_a_unit_that_is_cut_gives_way_to_its_parts() -> None:
    work = worklist(unit(1), unit(2))
    first = work.take()
    assert first is not None
    assert not work.cut(first, UnitCutError(ServerError("no", status=500), [unit(3, part_of=1), unit(4, part_of=1)]))
    assert numbers(work) == [3, 4, 2]


def test_a_failure_that_no_retry_cures_ends_it() -> None:
    work = worklist(unit(1), unit(2))
    first = work.take()
    assert first is not None
    assert not work.fail(first, ForbiddenError("no", status=403))
    assert work.take() is None


def test_failures_in_a_row_end_it_and_a_reading_in_between_does_not() -> None:
    work = worklist(*(unit(number) for number in range(2 * FAILURES_IN_A_ROW + 2)))
    for number in range(2 * FAILURES_IN_A_ROW):
        one = work.take()
        assert one is not None, number
        if number == FAILURES_IN_A_ROW - 1:
            work.finish(one, Counts(rows_read=1))
        else:
            work.fail(one, ServerError("away", status=500))
    assert work.take() is None
    assert len(work.failures) == 2 * FAILURES_IN_A_ROW - 1


@pytest.mark.parametrize(("seconds", "waits"), [(30.0, True), (90.0, False)])
def test_a_pause_is_sat_out_if_it_is_short_enough(seconds: float, waits: bool) -> None:
    work = worklist(unit(1))
    one = work.take()
    assert one is not None
    assert work.fail(one, RateLimited("wait", status=429, retry_after=seconds)) is waits
    assert (work.take() is not None) is waits


def test_after_some_days_of_a_person_the_others_are_named_without_being_asked_for() -> None:
    given_up: list[Unit] = []
    days = [unit(number, (7,), part_of=1) for number in range(10, 16)]
    work = worklist(*days, given_up=given_up)
    for _ in range(LEAVES_OF_ONE):
        one = work.take()
        assert one is not None
        work.fail(one, UnreadableError("no"))
    assert len(given_up) == len(days) - LEAVES_OF_ONE
    assert len(work) == 0


def test_one_error_speaks_for_all_and_the_gravest_first() -> None:
    failures: list[ProtimeError] = [ServerError("away", status=500), ForbiddenError("no scope", status=403)]
    error = failure_of(failures)
    assert isinstance(error, ForbiddenError)
    assert "2 units failed, one of them so: no scope" in str(error)
