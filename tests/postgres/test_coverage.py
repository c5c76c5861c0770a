"""Which days are covered of whom: grown, taken out, and what is missing."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.engine import Connection, Engine

from protime_etl.postgres.book import enter_read, lock_coverage, try_lock_coverage
from protime_etl.postgres.due import missing
from protime_etl.postgres.wrong import Wrong, enter_wrong
from protime_etl.work import Slice
from tests.databases import both_servers

DAYS = [dt.date(2026, 3, number) for number in range(1, 32)]
WHOLE = Slice([1, 2], DAYS[0], DAYS[30])


def covering(connection: Connection, *read: Slice, over_until: dt.date = DAYS[30]) -> None:
    for one in read:
        lock_coverage(connection, "acme", one.collection, one.person_ids)
        enter_read(connection, "acme", one, over_until, [], written=False)


@both_servers
def test_what_is_missing_is_what_no_reading_covered(engine: Engine) -> None:
    with engine.begin() as connection:
        assert missing(connection, "acme", WHOLE) == [WHOLE]
        covering(connection, Slice([1, 2], DAYS[4], DAYS[9]), Slice([1], DAYS[10], DAYS[30]))
        assert missing(connection, "acme", WHOLE) == [
            Slice([1, 2], DAYS[0], DAYS[3]),
            Slice([2], DAYS[10], DAYS[30]),
        ]


def test_a_collection_covers_itself_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        covering(connection, WHOLE)
        totals = WHOLE._replace(collection="calculated-totals")
        assert missing(connection, "acme", WHOLE) == []
        assert missing(connection, "acme", totals) == [totals]
        assert missing(connection, "other", WHOLE) == [WHOLE]


def test_a_reading_that_failed_takes_its_days_out(engine: Engine) -> None:
    with engine.begin() as connection:
        covering(connection, WHOLE)
        lost = [Slice([2], DAYS[5], DAYS[6]), Slice([2], DAYS[6], DAYS[8])]
        enter_wrong(connection, "acme", Wrong("failed", "status 500"), lost)
        assert missing(connection, "acme", WHOLE) == [Slice([2], DAYS[5], DAYS[8])]


def test_a_reading_of_days_that_are_not_over_covers_none(engine: Engine) -> None:
    with engine.begin() as connection:
        covering(connection, Slice([1, 2], DAYS[10], DAYS[12]), over_until=DAYS[9])
        assert missing(connection, "acme", WHOLE) == [WHOLE]


def test_whoever_is_locked_is_not_waited_for(engine: Engine) -> None:
    with engine.begin() as holder, engine.begin() as other:
        lock_coverage(holder, "acme", "clockings", [1])
        holder.exec_driver_sql("SELECT 1")
        assert not try_lock_coverage(other, "acme", "clockings", [1, 2])
        assert try_lock_coverage(other, "acme", "clockings", [2])
        assert try_lock_coverage(other, "acme", "calculated-totals", [1])
