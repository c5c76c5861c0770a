"""Which days are covered of whom: grown, taken out, and what is missing."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.collections.access_clockings import ACCESS_CLOCKINGS
from protime_etl.collections.calculated_totals import CALCULATED_TOTALS
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.book.coverage import (
    end_proofs,
    enter_compared,
    enter_read,
    forget_rejected,
    lock_coverage,
    try_lock_coverage,
)
from protime_etl.postgres.book.due import missing
from protime_etl.postgres.book.proof_days import enter_part, enter_proven_days
from protime_etl.postgres.book.wrong import Wrong, enter_wrong
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.stored import Stored
from protime_etl.work import EVERYONE, Slice
from tests.support.databases import both_servers

DAYS = [dt.date(2026, 3, number) for number in range(1, 32)]
WHOLE = Slice([1, 2], DAYS[0], DAYS[30], "clockings")


def clockings(connection: Connection, tenant: str = "acme") -> Stored:
    return Stored(connection, tenant, CLOCKINGS)


def covering(connection: Connection, *read: Slice, over_until: dt.date = DAYS[30]) -> None:
    for one in read:
        stored = Stored(connection, "acme", COLLECTIONS[one.collection])
        lock_coverage(stored, one.person_ids)
        enter_read(stored, one, over_until, [], written=False)


@both_servers
def test_what_is_missing_is_what_no_reading_covered(engine: Engine) -> None:
    with engine.begin() as connection:
        assert missing(clockings(connection), WHOLE) == [WHOLE]
        covering(connection, Slice([1, 2], DAYS[4], DAYS[9], "clockings"), Slice([1], DAYS[10], DAYS[30], "clockings"))
        assert missing(clockings(connection), WHOLE) == [
            Slice([1, 2], DAYS[0], DAYS[3], "clockings"),
            Slice([2], DAYS[10], DAYS[30], "clockings"),
        ]


def test_a_collection_covers_itself_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        covering(connection, WHOLE)
        totals = WHOLE._replace(collection="calculated-totals")
        assert missing(clockings(connection), WHOLE) == []
        assert missing(Stored(connection, "acme", CALCULATED_TOTALS), totals) == [totals]
        assert missing(clockings(connection, "other"), WHOLE) == [WHOLE]


def test_a_reading_that_failed_takes_its_days_out(engine: Engine) -> None:
    with engine.begin() as connection:
        covering(connection, WHOLE)
        lost = [Slice([2], DAYS[5], DAYS[6], "clockings"), Slice([2], DAYS[6], DAYS[8], "clockings")]
        enter_wrong(connection, "acme", Wrong("failed", "status 500"), lost)
        assert missing(clockings(connection), WHOLE) == [Slice([2], DAYS[5], DAYS[8], "clockings")]


def test_a_reading_of_days_that_are_not_over_covers_none(engine: Engine) -> None:
    with engine.begin() as connection:
        covering(connection, Slice([1, 2], DAYS[10], DAYS[12], "clockings"), over_until=DAYS[9])
        assert missing(clockings(connection), WHOLE) == [WHOLE]


def test_people_that_are_locked_are_not_waited_for(engine: Engine) -> None:
    with engine.begin() as connection:
        covering(connection, WHOLE)
    with engine.begin() as holder, engine.begin() as other:
        lock_coverage(clockings(holder), [1])
        patience = other.scalar(sa.text("SHOW lock_timeout"))
        assert not try_lock_coverage(clockings(other), [1, 2])
        assert try_lock_coverage(clockings(other), [2])
        assert other.scalar(sa.text("SHOW lock_timeout")) == patience, "what comes later waits as before"
        assert try_lock_coverage(Stored(other, "acme", CALCULATED_TOTALS), [1])


@pytest.mark.parametrize("written_by", ["unit", "delta"])
def test_what_is_written_during_a_comparison_is_not_proven_by_it(engine: Engine, written_by: str) -> None:
    with engine.begin() as connection:
        covering(connection, WHOLE)
    with engine.begin() as connection:
        began = database_clock(connection)
    with engine.begin() as connection:
        lock_coverage(clockings(connection), [1])
        if written_by == "unit":
            one = Slice([1], DAYS[0], DAYS[30], "clockings")
            enter_read(clockings(connection), one, DAYS[30], [(1, DAYS[3])], written=True)
        else:
            end_proofs(clockings(connection), [(1, DAYS[3])])
        enter_compared(clockings(connection), WHOLE, DAYS[30], [], began)
        assert unproven(connection) == {1: [DAYS[3]], 2: []}


def unproven(connection: Connection) -> dict[int, list[dt.date]]:
    """The days of each person that are read and not proven."""
    query = sa.text(
        "SELECT person_id, array(SELECT CAST(day AS date) FROM unnest(dates - proven) AS days,"
        " generate_series(lower(days), upper(days) - 1, interval '1 day') AS day)"
        " FROM protime_etl.coverage WHERE tenant = 'acme'"
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def test_who_is_new_begins_with_what_was_compared_by_date_alone(engine: Engine) -> None:
    everyone = Slice([EVERYONE], DAYS[0], DAYS[9], "clockings")
    with engine.begin() as connection:
        enter_compared(clockings(connection), everyone, DAYS[30], [], database_clock(connection))
        lock_coverage(clockings(connection), [1, 2])
        assert missing(clockings(connection), WHOLE) == [WHOLE._replace(first=DAYS[10])]


def test_what_was_rejected_is_forgotten_by_a_reading_of_all_people(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO protime_etl.rejected_record (tenant, collection, fingerprint, person_id, date, reason,"
                " record, last_seen_at) SELECT 'acme', 'access-clockings', n, 1, :day, '', '', now() - interval '1 day'"
                " FROM generate_series(1, 2) AS n"
            ),
            {"day": DAYS[3]},
        )
        read = Slice([EVERYONE], DAYS[0], DAYS[9], "access-clockings")
        forget_rejected(Stored(connection, "acme", ACCESS_CLOCKINGS), read, database_clock(connection))
        assert not connection.scalar(sa.text("SELECT count(*) FROM protime_etl.rejected_record WHERE tenant = 'acme'"))


def test_a_day_that_was_compared_whole_is_in_no_parts_any_more(engine: Engine) -> None:
    with engine.begin() as connection:
        began = database_clock(connection)
        enter_part(clockings(connection), DAYS[0], began, 1)
        enter_proven_days(clockings(connection), (DAYS[0], DAYS[0]), began)
        query = "SELECT part_since, part_until, proven_at FROM protime_etl.proof_days WHERE tenant = 'acme'"
        assert connection.execute(sa.text(query)).all() == [(None, None, began)]
