"""Which unit is next, and when it is better to stop."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from protime_etl.errors import (
    AuthenticationError,
    ForbiddenError,
    ProtimeError,
    RateLimited,
    ServerError,
    SettingsError,
    UnreachableError,
    UnreadableError,
)
from protime_etl.sync.pipeline import FAILING_ALIKE
from protime_etl.sync.pull.work_list import FAILURES_IN_A_ROW, LEAVES_OF_ONE, WorkList, failure_of
from protime_etl.sync.read.cutting import UnitCutError
from protime_etl.work import Counts, Unit

DAY = dt.date(2026, 3, 20)


def unit(number: int, people: tuple[int, ...] = (1, 2), part_of: int | None = None, failed: bool = False) -> Unit:
    return Unit(number, 1, "acme", "clockings", people, DAY, DAY, part_of=part_of, failed=failed)


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
    assert "2 units failed, for example: no scope" in str(error)
    away = failure_of([UnreadableError("no"), ServerError("away", status=500)])
    assert isinstance(away, ServerError), "graver than what is done but for a few"


def of_collection(number: int, path: str) -> Unit:
    return replace(unit(number), collection=path)


def test_a_collection_that_ends_leaves_the_others() -> None:
    failing = [of_collection(number, "calculated-totals") for number in range(FAILURES_IN_A_ROW + 3)]
    work = worklist(*failing, of_collection(50, "absences"), of_collection(51, "counters"))
    for _ in range(FAILURES_IN_A_ROW):
        one = work.take()
        assert one is not None
        work.fail(one, ServerError("away", status=500))
    assert numbers(work) == [50, 51]
    assert work.failures_of.keys() == {"calculated-totals"}


def test_what_no_retry_cures_ends_its_collection_alone() -> None:
    work = worklist(of_collection(1, "absences"), of_collection(2, "absences"), of_collection(3, "counters"))
    first = work.take()
    assert first is not None
    work.fail(first, ForbiddenError("no", status=403))
    assert numbers(work) == [3]


@pytest.mark.parametrize("error", [SettingsError("wrong"), AuthenticationError("wrong")])
def test_what_is_about_all_ends_all(error: ProtimeError) -> None:
    work = worklist(of_collection(1, "absences"), of_collection(2, "counters"))
    first = work.take()
    assert first is not None
    work.fail(first, error)
    assert work.take() is None


def test_collections_without_any_answer_end_all() -> None:
    paths = ("clockings", "absences", "counters", "breaks")
    work = worklist(*(of_collection(10 * n + m, path) for n, path in enumerate(paths) for m in range(5)))
    asked = 0
    while (one := work.take()) is not None:
        asked += 1
        work.fail(one, UnreachableError("away"))
    assert asked == FAILING_ALIKE * FAILURES_IN_A_ROW


def test_a_unit_is_cut_after_a_wait_and_its_like_at_once() -> None:
    work = worklist(unit(1, tuple(range(20))), unit(2, tuple(range(20))))
    wait = RateLimited("wait", status=429, retry_after=30)
    first = work.take()
    assert first is not None
    assert work.parts_after_wait(first) == 0
    assert work.fail(first, wait)
    again = work.take()
    assert again == first
    assert work.parts_after_wait(first) == 4
    parts = [unit(10 + n, tuple(range(5 * n, 5 * n + 5)), part_of=1) for n in range(4)]
    assert work.cut(first, UnitCutError(wait, parts, too_broad=True))
    for _ in parts:
        one = work.take()
        assert one is not None
        work.finish(one, Counts(rows_read=1))
    second = work.take()
    assert second is not None
    assert work.parts_after_wait(second) == 4, "as small as what was answered"


def test_a_wait_of_one_person_alone_leaves_that_person_out() -> None:
    given_up: list[Unit] = []
    work = worklist(unit(1), unit(2, (7,), part_of=9), given_up=given_up)
    first = work.take()
    assert first is not None
    work.finish(first, Counts(rows_read=1))
    wait = ServerError("wait", status=503, retry_after=30)
    while (one := work.take()) is not None:
        work.fail(one, wait)
    assert [left.person_ids for left in given_up] == [(7,)]
    assert isinstance(work.failures[0], UnreadableError)
