"""The merge, with rows by hand: what may overwrite what, what is inferred, and what two loads at once do."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS, ActivityDefinition, ActivityLevel
from protime_etl.collections.page import Page, RejectedRecord
from protime_etl.errors import UriTooLongError
from protime_etl.postgres.load import held_rows
from protime_etl.postgres.load.compare import Comparison
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.stored import Stored
from protime_etl.work import Counts, Slice
from tests.support.databases import both_servers, execute

DAY = dt.date(2026, 3, 20)
SCOPE = Slice([1, 2], DAY, DAY, "clockings")


def row(clocking_id: int, version: str = "01", **values: Any) -> tuple[Any, ...]:
    given = {
        "id": clocking_id,
        "person_id": 1,
        "date": DAY,
        "time_of_day_in_minutes": 480,
        "kind": "InOut",
        "change_version": version,
        "status": "Active",
    } | values
    return tuple(given.get(name) for name in [*CLOCKINGS.column_names, "extra"])


@pytest.fixture(autouse=True, params=["held", "staged"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared where it is read, or too much for that."""
    if request.param == "staged":
        monkeypatch.setattr(held_rows, "MOST_HELD", -1)


def load(engine: Engine, *rows: tuple[Any, ...], scope: Slice = SCOPE) -> Counts:
    with engine.begin() as connection:
        one = Load(Stored(connection, "acme", CLOCKINGS), read=scope)
        one.stage([Page(list(rows))])
        return one.merge(one.missing_from_pull())


def stored(engine: Engine, clocking_id: int) -> Any:
    with engine.connect() as connection:
        return connection.execute(
            sa.text("SELECT *, xmin::text AS tuple FROM protime.clockings WHERE tenant <> 'shadow' AND id = :id"),
            {"id": clocking_id},
        ).one()


def in_four_threads(work: Callable[[int], None]) -> None:
    """Run it in four threads at once, each with its number; the first error is raised."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


@both_servers
def test_every_kind_of_value_arrives(engine: Engine) -> None:
    levels = [ActivityLevel(level=1, activity_definition=ActivityDefinition(id="a-guid"))]
    values: dict[str, Any] = {
        "time_of_day_in_minutes": -1440,
        "longitude": 4.392225,
        "latitude": -51.5,
        "is_open": True,
        "is_generated": False,
        "reason_id": 2**63 - 1,
        "activity_levels": levels,
        "extra": {"a": [1, {"b": None}], "é": "\U0001f642"},
    }
    load(engine, row(1, **values))

    found = stored(engine, 1)._mapping
    expected = values | {"activity_levels": [{"level": 1, "activityDefinition": {"id": "a-guid"}}]}
    assert {name: found[name] for name in expected} == expected
    assert found["terminal_id"] is None
    assert load(engine, row(1, **values)) == Counts(rows_read=1, unchanged=1)


@both_servers
def test_an_older_version_never_overwrites_a_newer_and_versions_are_bytes(engine: Engine) -> None:
    load(engine, row(1, "0a"))
    before = stored(engine, 1)

    assert load(engine, row(1, "0B", kind="Reason")).unchanged == 1, "'0B' < '0a' as bytes, whatever the locale says"
    assert stored(engine, 1) == before
    assert load(engine, row(1, "0b", kind="Reason")).updated == 1
    assert stored(engine, 1).kind == "Reason"


def test_the_newest_of_several_in_one_pull_counts(engine: Engine) -> None:
    counts = load(engine, row(1, "03", kind="Reason"), row(1, "05", kind="Activity"), row(1, "04"))

    assert stored(engine, 1).kind == "Activity"
    assert counts == Counts(rows_read=3, inserted=1, unchanged=2)


def test_the_newest_of_several_is_in_the_table_already(engine: Engine) -> None:
    """And the older one of the same answer is no difference."""
    load(engine, row(1, "05"))
    for rows in ([row(1, "05"), row(1, "04")], [row(1, "04"), row(1, "05")]):
        with engine.begin() as connection:
            one = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
            one.stage([Page([record]) for record in rows])
            assert one.merge(one.missing_from_pull()) == Counts(rows_read=2, unchanged=2)
        with engine.begin() as connection:
            compared = Comparison(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
            compared.stage([Page([record]) for record in rows])
            assert compared.compare() == ([], {DAY: 1})


def test_a_row_that_is_deleted_or_another_tenants_is_not_missing(engine: Engine) -> None:
    load(engine, row(1), row(2, status="Deleted"))
    load(engine, row(1))  # 2 is not read any more
    assert stored(engine, 2).deleted_by == "status"
    with engine.begin() as connection:
        one = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
        one.stage([Page([row(1)])])
        assert one.missing_from_pull() == []


def test_a_row_that_was_revived_in_the_table_is_found_and_deleted_again(engine: Engine) -> None:
    """Its columns are those of the record, which says of itself that it is deleted."""
    deleted = row(1, status="Deleted")
    load(engine, deleted)
    execute(engine.url, "UPDATE protime.clockings SET deleted_at = NULL, deleted_by = NULL WHERE tenant = 'acme'")
    with engine.begin() as connection:
        compared = Comparison(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
        compared.stage([Page([deleted])])
        differences, equal = compared.compare()
    assert ([one.kind for one in differences], equal.total()) == (["stale"], 0)
    assert load(engine, deleted).deleted == 1
    assert stored(engine, 1).deleted_by == "status"


@pytest.mark.parametrize(("change", "expected"), [({"kind": "Reason"}, "Reason"), ({"status": "Deleted"}, "InOut")])
def test_what_changes_after_it_was_compared_stays_as_the_other_left_it(
    engine: Engine, change: dict[str, Any], expected: str
) -> None:
    """It was equal when the answers were compared; before the merge another process, who reads later, writes it."""
    load(engine, row(1), row(2))
    with engine.begin() as connection:
        slow = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
        slow.stage([Page([row(1), row(2)])])
        missing = slow.missing_from_pull()
        load(engine, row(1, "02", **change), row(2))
        assert slow.merge(missing) == Counts(rows_read=2, unchanged=2)
    found = stored(engine, 1)
    assert (found.change_version, found.kind, found.deleted_by) == (
        "02",
        expected,
        "status" if "status" in change else None,
    )


def test_what_was_rejected_and_has_come_as_the_table_has_it_is_forgotten(engine: Engine) -> None:
    """But not what comes twice, once in a form that cannot be understood."""

    def rejected() -> list[int]:
        query = (
            "SELECT record_id FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection) ORDER BY 1"
        )
        with engine.connect() as connection:
            return list(connection.scalars(sa.text(query)))

    load(engine, row(1), row(2))
    broken = [RejectedRecord(number, "why", "{}", f"{number}") for number in (1, 2)]
    for pages, left in (
        ([Page([row(1), row(2)], broken)], [1, 2]),
        ([Page([row(1), row(2)], broken[1:])], [2]),
        ([Page([row(1), row(2)])], []),
    ):
        with engine.begin() as connection:
            one = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
            one.stage(pages)
            assert one.merge(one.missing_from_pull()).unchanged == 2
        assert rejected() == left


def test_an_equal_version_repairs_what_differs(engine: Engine) -> None:
    load(engine, row(1, calculated_time_of_day_in_minutes=480))

    assert load(engine, row(1, calculated_time_of_day_in_minutes=495)).updated == 1
    assert stored(engine, 1).calculated_time_of_day_in_minutes == 495


def test_a_slow_pull_does_not_undo_what_a_later_one_learnt(engine: Engine) -> None:
    load(engine, row(1), row(2))
    with engine.begin() as slow_connection:
        slow = Load(Stored(slow_connection, "acme", CLOCKINGS), read=SCOPE)
        slow.stage([Page([row(1, calculated_time_of_day_in_minutes=1), row(2)])])
        load(engine, row(1, calculated_time_of_day_in_minutes=2))  # 2 has vanished meanwhile, and 3 ...
        load(engine, row(1, calculated_time_of_day_in_minutes=2), row(3))  # ... has come
        assert slow.missing_from_pull() == [3]  # the caller asks for it, and it is there
        counts = slow.merge()

    assert stored(engine, 1).calculated_time_of_day_in_minutes == 2
    assert stored(engine, 2).deleted_by == "vanished"
    assert stored(engine, 3).deleted_at is None
    assert counts == Counts(rows_read=2, unchanged=2)


@pytest.mark.parametrize("known", [{"is_open": True}, {"reason_id": 5}, {"is_open": False, "reason_id": 5}])
def test_a_slow_pull_fills_each_column_that_a_later_writer_did_not_get(engine: Engine, known: dict[str, Any]) -> None:
    collection = replace(CLOCKINGS, delta_lacks=dict.fromkeys(("is_open", "reason_id"), ("kind", "Reason")))
    reason: dict[str, Any] = {"kind": "Reason", "is_open": None, "reason_id": None}
    with engine.begin() as slow_connection:
        slow = Load(Stored(slow_connection, "acme", collection))
        # In an answer where another record has the column, null would mean null.
        slow.stage([Page([row(1, **reason | known), row(2, kind="Reason", is_open=True, reason_id=1)])])
        load(engine, row(1, **reason))
        slow.merge()
    found = stored(engine, 1)
    assert (found.is_open, found.reason_id) == (known.get("is_open"), known.get("reason_id"))


def test_a_slow_pull_does_not_revive_what_a_later_one_found_gone(engine: Engine) -> None:
    load(engine, row(1))
    with engine.begin() as slow_connection:
        slow = Load(Stored(slow_connection, "acme", CLOCKINGS))
        slow.stage([Page([row(1, "02")])])
        load(engine)
        slow.merge()
    assert stored(engine, 1).deleted_by == "vanished"
    assert load(engine, row(1, "02")).updated == 1
    assert stored(engine, 1).deleted_at is None


def test_what_is_written_while_it_is_being_looked_for_is_not_deleted(engine: Engine) -> None:
    load(engine, row(1), row(2))
    with engine.begin() as connection:
        one = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
        absent = one.missing_from_pull()
        load(engine, row(1, "02"), row(2))
        assert absent == [1, 2]
        assert one.merge(absent).deleted == 1
    assert [stored(engine, number).deleted_at is None for number in (1, 2)] == [True, False]


def test_deleted_is_a_state_and_a_row_that_comes_back_is_revived(engine: Engine) -> None:
    load(engine, row(1), row(2))
    assert load(engine, row(1, "02", status="Deleted")).deleted == 2
    assert (stored(engine, 1).deleted_by, stored(engine, 2).deleted_by) == ("status", "vanished")
    when = stored(engine, 1).deleted_at

    assert load(engine, row(1, "03", status="Deleted", kind="Reason"), row(2)) == Counts(rows_read=2, updated=2)
    assert stored(engine, 1).deleted_at == when, "the first news of it counts"
    assert stored(engine, 2).deleted_at is None
    assert stored(engine, 2).deleted_by is None


def test_nothing_is_inferred_outside_the_scope(engine: Engine) -> None:
    tomorrow = DAY + dt.timedelta(days=1)
    load(engine, row(1), row(2, person_id=3), row(3, date=tomorrow), scope=Slice([1, 3], DAY, tomorrow, "clockings"))

    assert load(engine).deleted == 1
    assert [stored(engine, one).deleted_by for one in (1, 2, 3)] == ["vanished", None, None]


def test_a_rejected_record_is_not_gone_and_one_without_an_id_stops_all_inference(engine: Engine) -> None:
    load(engine, row(1), row(2))
    for record_id, gone in ((1, {2}), (None, set[int]())):
        load(engine, row(1), row(2))
        with engine.begin() as connection:
            one = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
            one.stage([Page(rejected=[RejectedRecord(record_id, "why", "{}", "fingerprint")] * 2)])
            counts = one.merge(one.missing_from_pull())
        assert {number for number in (1, 2) if stored(engine, number).deleted_at} == gone
        assert (counts.rejected, counts.rows_read, counts.unchanged) == (2, 2, 0)
    with engine.connect() as connection:
        assert (
            connection.scalar(
                sa.text("SELECT count(*) FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection)")
            )
            == 1
        )


def test_pages_with_rejected_records_between_others_all_arrive(engine: Engine) -> None:
    def rejected(number: int) -> list[RejectedRecord]:
        return [RejectedRecord(number, "why", "{}", f"{number}")]

    pages = [Page([row(1)]), Page([row(2)], rejected(7)), Page(), Page(rejected=rejected(8)), Page([row(3), row(4)])]
    with engine.begin() as connection:
        one = Load(Stored(connection, "acme", CLOCKINGS))
        one.stage(pages)
        counts = one.merge()
    assert counts == Counts(rows_read=6, inserted=4, rejected=2)
    with engine.connect() as connection:
        kept = connection.scalars(
            sa.text(
                "SELECT record_id FROM protime_etl.rejected_record"
                " WHERE 'shadow' NOT IN (tenant, collection) ORDER BY 1"
            )
        ).all()
    assert kept == [7, 8]


def test_pages_that_end_with_an_error_leave_what_came_and_a_transaction_that_can_go_on(engine: Engine) -> None:
    def pages() -> Iterator[Page]:
        yield Page([row(1)])
        raise UriTooLongError("too long", status=414)

    with engine.begin() as connection:
        one = Load(Stored(connection, "acme", CLOCKINGS))
        with pytest.raises(UriTooLongError):
            one.stage(pages())
        one.stage([Page([row(2)])])
        assert one.merge() == Counts(rows_read=2, inserted=2)


def test_a_copy_outlasts_the_statement_timeout_of_the_database(warehouse: URL, engine: Engine) -> None:
    def pages() -> Iterator[Page]:
        yield Page([row(1)])
        time.sleep(0.5)  # as long as an API takes
        yield Page([row(2)])

    execute(warehouse, f"ALTER DATABASE {warehouse.database} SET statement_timeout = '100ms'")
    with engine.begin() as connection:
        one = Load(Stored(connection, "acme", CLOCKINGS))
        one.stage(pages())
        assert one.merge().inserted == 2


def test_a_row_that_another_session_is_writing_is_left_alone_without_waiting(engine: Engine) -> None:
    load(engine, row(1), row(2))
    with engine.begin() as other:
        other.execute(sa.text("SELECT FROM protime.clockings WHERE tenant <> 'shadow' AND id = 1 FOR UPDATE"))
        assert load(engine).deleted == 1
    assert stored(engine, 1).deleted_at is None


def test_a_version_that_was_overtaken_while_it_waited_for_the_row_stays_out(engine: Engine) -> None:
    load(engine, row(1, "03"))
    with engine.connect() as faster, ThreadPoolExecutor(1) as pool:
        one = Load(Stored(faster, "acme", CLOCKINGS))
        one.stage([Page([row(1, "05", kind="Reason")])])
        one.merge()
        slower = pool.submit(load, engine, row(1, "04"))
        with engine.connect() as connection:
            waits = sa.text(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database())"
            )
            while not connection.scalar(waits):
                assert not slower.done(), "it did not wait for the row"
        faster.commit()
        assert slower.result().updated == 0
    assert (stored(engine, 1).change_version, stored(engine, 1).kind) == ("05", "Reason")


def test_what_another_session_kept_from_being_marked_is_not_known_to_be_equal(engine: Engine) -> None:
    load(engine, row(1), row(2))
    with engine.connect() as other, engine.begin() as connection:
        other.execute(sa.text("SELECT FROM protime.clockings WHERE tenant = 'acme' AND id = 1 FOR UPDATE"))
        one = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
        one.stage([Page([row(2)])])
        assert one.merge(one.missing_from_pull()).deleted == 0
        assert one.in_question is None


def test_tenants_do_not_touch_each_other(engine: Engine) -> None:
    load(engine, row(1))
    with engine.begin() as connection:
        other = Load(Stored(connection, "other", CLOCKINGS))
        other.stage([Page([row(1, kind="Reason"), row(2)])])
        assert other.merge().inserted == 2
    with engine.begin() as connection:
        one = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
        one.stage([Page([row(1)])])
        assert one.missing_from_pull() == [], "a row of the other one"
        assert one.merge() == Counts(rows_read=1, unchanged=1)


def test_a_failed_load_leaves_everything_as_it_was(engine: Engine) -> None:
    load(engine, row(1))
    with engine.connect() as connection:
        one = Load(Stored(connection, "acme", CLOCKINGS), read=SCOPE)
        one.stage([Page([row(2)])])
        one.merge(one.missing_from_pull())
        connection.rollback()
    assert stored(engine, 1).deleted_at is None
    assert load(engine, row(1)) == Counts(rows_read=1, unchanged=1), "the staging table is empty again"


@both_servers
def test_loads_of_the_same_rows_at_once_neither_deadlock_nor_go_backwards(engine: Engine) -> None:
    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(15):
            rows = [row(n, f"{dice.randrange(100):04}", kind=f"k{dice.random()}") for n in range(200)]
            dice.shuffle(rows)
            load(engine, *rows[: dice.randrange(200)])

    in_four_threads(work)
    load(engine, *(row(n, "9999", kind="last") for n in range(200)))
    with engine.connect() as connection:
        kinds = connection.execute(
            sa.text("SELECT kind, count(*) FROM protime.clockings WHERE tenant <> 'shadow' GROUP BY kind")
        ).all()
    assert [tuple(one) for one in kinds] == [("last", 200)]


def test_the_same_rejected_records_in_another_order_do_not_deadlock(engine: Engine) -> None:
    def work(seed: int) -> None:
        rejected = [RejectedRecord(n, "why", "{}", f"{n}") for n in range(50)]
        for _ in range(10):
            random.Random(seed).shuffle(rejected)
            with engine.begin() as connection:
                one = Load(Stored(connection, "acme", CLOCKINGS))
                one.stage([Page(rejected=rejected)])
                one.merge()

    in_four_threads(work)


def test_a_table_left_behind_in_a_pooled_session_is_not_in_the_way(engine: Engine) -> None:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text("CREATE TEMPORARY TABLE pg_temp.staging_clockings (another text)"))
        connection.execute(sa.text("CREATE TEMPORARY TABLE pg_temp.rejected_clockings (another text)"))
    assert load(engine, row(1)).inserted == 1
    assert load(engine, row(1), row(2)).inserted == 1
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM pg_class WHERE relpersistence = 't'")) == 0


def test_temporary_tables_that_were_rolled_back_are_not_in_the_way(engine: Engine) -> None:
    """Their buffers stay as they were, although no schema for temporary tables is left."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text("BEGIN; CREATE TEMPORARY TABLE used AS SELECT 1 AS one; ROLLBACK"))
        assert connection.scalar(sa.text("SELECT pg_my_temp_schema()")) == 0
    assert load(engine, row(1)).inserted == 1
