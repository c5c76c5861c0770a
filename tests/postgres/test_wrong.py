"""What is known to be wrong: entered, taken out in parts, and kept as long as it is."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.postgres.book.due import missing, wrong_slices
from protime_etl.postgres.book.wrong import Kind, Wrong, enter_equal, enter_right, enter_wrong, give_up, held_back
from protime_etl.work import Slice
from tests.postgres.test_coverage import DAYS, WHOLE, clockings, covering
from tests.postgres.test_load import load, row

PERSON = 7
LATER = DAYS[30] + dt.timedelta(days=1)


def enter(connection: Connection, kind: Kind, *lost: Slice) -> None:
    enter_wrong(connection, "acme", Wrong(kind, "a reason"), lost)


def known(connection: Connection, *, accepted: bool = True) -> list[Slice]:
    return wrong_slices(clockings(connection), LATER, waiting=() if accepted else ["withheld"])


def test_what_is_held_back_waits_for_a_decision_whatever_fails_besides(engine: Engine) -> None:
    whole = Slice([PERSON], DAYS[0], DAYS[9], "clockings")
    with engine.begin() as connection:
        enter(connection, "withheld", whole)
        enter(connection, "failed", whole._replace(last=DAYS[19]))
        assert known(connection, accepted=False) == [Slice([PERSON], DAYS[10], DAYS[19], "clockings")]
        assert known(connection) == [Slice([PERSON], DAYS[0], DAYS[19], "clockings")]


def test_of_what_is_wrong_stay_the_other_people_and_the_other_days(engine: Engine) -> None:
    with engine.begin() as connection:
        enter(connection, "failed", WHOLE)
        enter_right(clockings(connection), Slice([2], DAYS[5], DAYS[9], "clockings"))
        assert known(connection) == [
            Slice([2], DAYS[10], DAYS[30], "clockings"),
            Slice([1], DAYS[0], DAYS[30], "clockings"),
            Slice([2], DAYS[0], DAYS[4], "clockings"),
        ]


def test_of_what_is_wrong_stays_what_a_comparison_did_not_find_equal(engine: Engine) -> None:
    with engine.begin() as connection:
        enter(connection, "failed", WHOLE)
        enter_equal(clockings(connection), WHOLE, [(2, DAYS[5]), (None, DAYS[9])])
        assert known(connection) == [
            Slice([1, 2], DAYS[9], DAYS[9], "clockings"),
            Slice([2], DAYS[5], DAYS[5], "clockings"),
        ]


def test_deletions_are_held_back_of_the_people_whose_days_they_are_on(engine: Engine) -> None:
    load(engine, *(row(number, person_id=number, date=DAYS[number]) for number in (1, 2, 3)))
    with engine.begin() as connection:
        enter(connection, "withheld", Slice([1, 3], DAYS[0], DAYS[2], "clockings"))
        assert held_back(clockings(connection), [1, 2, 3]) == [1]


@pytest.mark.parametrize(("kind", "stays"), [("failed", False), ("unreadable", False), ("differs", True)])
def test_what_is_given_up_is_what_could_not_be_read(engine: Engine, kind: Kind, stays: bool) -> None:
    with engine.begin() as connection:
        enter(connection, kind, WHOLE)
        give_up(clockings(connection), DAYS[0], DAYS[30])
        assert known(connection) == ([WHOLE] if stays else [])


def test_what_is_wrong_is_missing_out_of_service_too(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "WITH t AS (INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('acme', 'UTC')),"
                " p AS (INSERT INTO protime_etl.promises (tenant, collection, by_people, dates)"
                " VALUES ('acme', 'clockings', true, '{}'))"
                " INSERT INTO protime.people (tenant, id, change_version, in_service_date)"
                " VALUES ('acme', 1, 'x', :day)"
            ),
            {"day": LATER},
        )
        covering(connection, Slice([2], DAYS[0], DAYS[30], "clockings"))
        assert missing(clockings(connection), WHOLE) == []
        enter(connection, "differs", Slice([1], DAYS[3], DAYS[4], "clockings"))
        assert missing(clockings(connection), WHOLE) == [Slice([1], DAYS[3], DAYS[4], "clockings")]


def test_two_that_find_parts_of_it_right_at_once_leave_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        enter(connection, "failed", WHOLE)

    def find_right() -> None:
        with engine.begin() as other:
            enter_right(clockings(other), WHOLE._replace(person_ids=[2]))

    second = threading.Thread(target=find_right)
    with engine.begin() as connection:
        enter_right(clockings(connection), WHOLE._replace(person_ids=[1]))
        second.start()
        second.join(0.5)
    second.join()
    with engine.begin() as connection:
        assert known(connection) == []
