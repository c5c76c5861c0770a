"""The ten cases of docs/correctness.md: what a record that was read makes of its row.

Each by itself, and all combinations of what decides, against the table of that page as it is said here in Python.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.page import Page
from protime_etl.postgres.load import held_rows
from protime_etl.postgres.load.compare import Comparison
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.stored import Stored
from protime_etl.work import Counts, whole_list
from tests.support.databases import both_in_long_form, both_servers

DAY = dt.date(2026, 3, 20)
BEGAN = dt.datetime(2026, 3, 21, 4, 30, tzinfo=dt.UTC)
"""When the reading began."""
DELTAS_LACK = ("is_open", "reason_id")
# Clockings, with a second column that deltas lack.
COLLECTION = replace(CLOCKINGS, delta_lacks=dict.fromkeys(DELTAS_LACK, ("kind", "Reason")))


@dataclass(frozen=True)
class Record:
    """What the tenant says of a record."""

    change_version: str = "05"
    time_of_day_in_minutes: int = 480
    is_open: bool | None = None
    reason_id: int | None = None
    status: str = "Active"

    @property
    def deleted(self) -> bool:
        return self.status == "Deleted"

    def in_copy_order(self, record_id: int) -> tuple[Any, ...]:
        values = vars(self) | {"id": record_id, "person_id": 1, "date": DAY, "kind": "Reason"}
        return tuple(values.get(name) for name in [*COLLECTION.column_names, "extra"])


@dataclass(frozen=True)
class Row:
    """What the table holds of it."""

    record: Record
    deleted_by: str | None = None
    since: bool = False
    """Whether it was written since the reading began."""


@dataclass(frozen=True)
class Situation:
    """A record that was read, and what the table knows of it by then."""

    row: Row | None
    read: Record
    tombstone: str | None = None
    """The version of a deletion that the delta reported when the table had no row."""
    buried_since: bool = True
    """Whether that was reported since the reading began."""
    accepted: bool = False
    """Whether versions that went back are accepted."""


def expected(given: Situation) -> Row | None:
    """The table of docs/correctness.md; a row that is kept is returned as it is."""
    row, read = given.row, given.read
    if row is None:
        buried = given.tombstone is not None and given.tombstone >= read.change_version
        if buried and given.accepted and not given.buried_since:
            return written(read)  # 10
        return None if buried else written(read)  # 2, 1
    if read.change_version < row.record.change_version:
        return written(read) if given.accepted and not row.since else row  # 10, 3
    if read.change_version > row.record.change_version:
        found_gone_since = row.deleted_by in ("vanished", "delta") and row.since
        return row if found_gone_since else written(read)  # 4, 5
    return of_the_same_version(row, read)


def of_the_same_version(row: Row, read: Record) -> Row:
    if (read, read.deleted) == (row.record, row.deleted_by is not None):
        return row  # 6
    if not row.since:
        return written(read)  # 7
    present = {name: getattr(read, name) for name in DELTAS_LACK if getattr(read, name) is not None}
    filled = replace(row.record, **present)
    if row.deleted_by is None and read.change_version and filled != row.record:
        return Row(filled, since=True)  # 8
    return row  # 9


def written(read: Record) -> Row:
    return Row(read, "status" if read.deleted else None, since=True)


INSERT = sa.text("""
    INSERT INTO protime.clockings (tenant, id, person_id, date, kind, change_version, time_of_day_in_minutes, is_open,
        reason_id, status, deleted_by, deleted_at, written_at)
    VALUES ('acme', :id, 1, :date, 'Reason', :change_version, :time_of_day_in_minutes, :is_open, :reason_id, :status,
        :deleted_by, CASE WHEN CAST(:deleted_by AS text) IS NOT NULL THEN CAST(:at AS timestamptz) END, :at)
""")
BURY = sa.text("""
    INSERT INTO protime_etl.tombstones (tenant, collection, id, change_version, deleted_at)
    VALUES ('acme', 'clockings', :id, :version, :at)
""")
STORED = sa.text("""
    SELECT id, change_version, time_of_day_in_minutes, is_open, reason_id, status, deleted_by, deleted_at, written_at,
        ctid::text AS place
    FROM protime.clockings
""")


def rows_of(situations: Sequence[Situation]) -> list[dict[str, Any]]:
    """The rows of these situations, as `INSERT` takes them; the place of a situation is the id of its record."""
    return [
        vars(given.row.record)
        | {"id": number, "date": DAY, "deleted_by": given.row.deleted_by}
        | {"at": BEGAN + dt.timedelta(seconds=1 if given.row.since else -1)}
        for number, given in enumerate(situations)
        if given.row is not None
    ]


def stored(engine: Engine) -> dict[int, Any]:
    with engine.connect() as connection:
        return {row.id: row for row in connection.execute(STORED)}


def as_row(found: Any) -> Row:
    names = ("change_version", "time_of_day_in_minutes", "is_open", "reason_id", "status")
    return Row(Record(*(getattr(found, name) for name in names)), found.deleted_by, found.written_at > BEGAN)


@pytest.fixture(autouse=True, params=["held", "staged"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared where it is read, or too much for that."""
    if request.param == "staged":
        monkeypatch.setattr(held_rows, "MOST_HELD", -1)


def merge(engine: Engine, reads: Sequence[Record], accepted: Sequence[int] = ()) -> tuple[Counts, dict[int, str]]:
    """What was written, and what came in an older version than was there before."""
    with engine.begin() as connection:
        load = Load(Stored(connection, "acme", COLLECTION), BEGAN, read=whole_list(COLLECTION.path))
        load.stage([Page([read.in_copy_order(number) for number, read in enumerate(reads)])])
        load.missing_from_pull()
        load.merge()
        load.accept(accepted)
        return load.counts, load.older


def differences(situations: Sequence[Situation], before: dict[int, Any], after: dict[int, Any]) -> Iterator[str]:
    """Where the table is not what it is expected to be."""
    for number, given in enumerate(situations):
        wanted, found = expected(given), after.get(number)
        if found is None or wanted is None:
            if (found is None) != (wanted is None):
                yield f"{given} became {found} instead of {wanted}"
            continue
        if as_row(found) != wanted:
            yield f"{given} became {as_row(found)} instead of {wanted}"
        if (found.deleted_at is None) != (wanted.deleted_by is None):
            yield f"{given}: deleted_at is {found.deleted_at}"
        if number in before:
            if (wanted is given.row) != (found.place == before[number].place):
                yield f"{given}: the row was {'' if wanted is given.row else 'not '}touched"
            if wanted.deleted_by and before[number].deleted_at not in (None, found.deleted_at):
                yield f"{given}: it is deleted since {found.deleted_at} instead of {before[number].deleted_at}"


def counts(situations: Sequence[Situation]) -> Counts:
    total = Counts(rows_read=len(situations))
    for given in situations:
        row, after = given.row, expected(given)
        if after is row:
            total.unchanged += 1
        elif row is None:
            total.inserted += 1
        elif after is not None and row.deleted_by is None and after.deleted_by is not None:
            total.deleted += 1
        else:
            total.updated += 1
    return total


def check(engine: Engine, situations: Sequence[Situation]) -> None:
    graves = [
        {"id": n, "version": one.tombstone, "at": BEGAN + dt.timedelta(seconds=1 if one.buried_since else -1)}
        for n, one in enumerate(situations)
        if one.tombstone is not None
    ]
    with engine.begin() as connection:
        for statement, values in ((INSERT, rows_of(situations)), (BURY, graves)):
            if values:
                connection.execute(statement, values)
    before = stored(engine)
    accepted = [number for number, given in enumerate(situations) if given.accepted]
    merged, older = merge(engine, [given.read for given in situations], accepted)
    assert list(differences(situations, before, stored(engine)))[:10] == []
    assert merged == counts(situations)
    # What may be case 10 is reported, whether it is accepted or not.
    assert older == {
        number: given.read.change_version
        for number, given in enumerate(situations)
        if (given.row is None and expected(replace(given, accepted=False)) is None)
        or (given.row and not given.row.since and given.read.change_version < given.row.record.change_version)
    }


OLD, NEW = Record("04"), Record("06", 481)
OTHER = Record(time_of_day_in_minutes=481)
OPEN = Record(time_of_day_in_minutes=481, is_open=True)
CASES = {
    # What the table has; what was read; what the table has then, and whether the row was touched.
    "1 a new record is inserted": (Situation(None, OTHER, "04"), written(OTHER)),
    "2 a late copy of a deleted record is kept out": (Situation(None, OTHER, "05"), None),
    "3 an older version is nothing new": (Situation(Row(Record()), OLD), Row(Record())),
    "4 what was found gone since stays gone": (
        Situation(Row(Record(), "vanished", since=True), NEW),
        Row(Record(), "vanished", since=True),
    ),
    "5 a newer version replaces and revives": (Situation(Row(Record(), "vanished"), NEW), written(NEW)),
    "6 an equal row is not touched": (Situation(Row(OTHER), OTHER), Row(OTHER)),
    "7 another content of the same version repairs": (Situation(Row(Record()), OTHER), written(OTHER)),
    "8 only the column that deltas lack is filled": (
        Situation(Row(Record(), since=True), OPEN),
        Row(Record(is_open=True), since=True),
    ),
    "10 an older version that is accepted replaces": (Situation(Row(NEW), Record(), accepted=True), written(Record())),
    "10 and what was deleted and is back comes in": (
        Situation(None, OTHER, "06", buried_since=False, accepted=True),
        written(OTHER),
    ),
    "9 who wrote it since knows better": (Situation(Row(Record(), since=True), OTHER), Row(Record(), since=True)),
}


@both_servers
@pytest.mark.parametrize(("given", "then"), CASES.values(), ids=CASES)
def test_each_of_the_ten_cases(engine: Engine, given: Situation, then: Row | None) -> None:
    assert expected(given) == then
    check(engine, [given])


VERSIONS = [("04", "05"), ("05", "05"), ("06", "05"), ("", "05"), ("05", ""), ("", "")]
"""Of the row, and of what was read."""
STATES = [("Active", None), ("Active", "vanished"), ("Active", "delta"), ("Deleted", "status")]
FLAGS, REASONS = (None, True, False), (None, 5, 6)


def combinations() -> Iterator[Situation]:
    """All in which there is a row."""
    for versions, minutes, state, since, read_status in product(
        VERSIONS, (480, 481), STATES, (False, True), ("Active", "Deleted")
    ):
        for is_open, reason, read_open, read_reason in product(FLAGS, (None, 5), FLAGS, REASONS):
            row = Row(Record(versions[0], 480, is_open, reason, state[0]), state[1], since)
            yield Situation(row, Record(versions[1], minutes, read_open, read_reason, read_status))


@both_in_long_form
def test_all_combinations_follow_the_table(engine: Engine) -> None:
    without_row = [
        Situation(None, Record(version, is_open=True, reason_id=5, status=status), tombstone, since, accepted)
        for version, tombstone, status, since, accepted in product(
            ("", "05"), (None, "", "04", "05", "06"), ("Active", "Deleted"), (False, True), (False, True)
        )
    ]
    # A tombstone says nothing of a record that has a row.
    with_both = [replace(given, tombstone="06") for given in combinations() if given.row and given.row.since]
    accepted = [replace(given, accepted=True) for given in combinations()]
    check(engine, [*without_row, *combinations(), *accepted, *with_both[::97]])


@both_servers
def test_what_an_answer_lacks_stays(engine: Engine) -> None:
    """As if it had what the row has: nothing is filled, and nothing is taken away."""
    untold = [given for given in combinations() if given.read.is_open is None]
    situations = [given for given in untold if given.read.reason_id is not None]
    read = [given.read for given in situations]
    assert all(record.is_open is None for record in read)
    with engine.begin() as connection:
        connection.execute(INSERT, rows_of(situations))
    before = stored(engine)
    merge(engine, read)
    known = [
        replace(given, read=replace(given.read, is_open=given.row.record.is_open)) for given in situations if given.row
    ]
    assert list(differences(known, before, stored(engine)))[:10] == []


@both_in_long_form
def test_rows_that_are_written_while_the_merge_waits_for_them_follow_the_table(engine: Engine) -> None:
    """The merge finds no row, and rows that another transaction has just committed when it inserts."""
    situations = list(combinations())
    with ThreadPoolExecutor(1) as thread:
        with engine.begin() as other:
            other.execute(INSERT, rows_of(situations))
            merging = thread.submit(merge, engine, [given.read for given in situations])
            waiting = sa.text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            while not merging.done() and not other.scalar(waiting):
                time.sleep(0.05)
            assert not merging.done()
        merging.result()
    assert list(differences(situations, {}, stored(engine)))[:10] == []


EXTRAS: dict[str, tuple[object, object, bool]] = {
    # What the row has beside its columns, what was read, and whether the row is written.
    "a property that is added": (None, {"added": 1}, False),
    "another value of it": ({"added": 1}, {"added": 2}, False),
    "a property that is gone": ({"added": 1}, None, False),
    "a field that cannot be read any more": ({"added": 1}, {"other form": {"status": 7}}, True),
    "a field of yet another form": ({"other form": {"status": 7}}, {"other form": {"status": 8}}, True),
    "the same form and a property": ({"other form": {"status": 7}}, {"other form": {"status": 7}, "added": 1}, False),
    "a field that came right": ({"other form": {"status": 7}, "added": 1}, {"added": 1}, True),
}


@both_in_long_form
@pytest.mark.parametrize(("had", "read", "is_written"), EXTRAS.values(), ids=EXTRAS)
@pytest.mark.parametrize("version", ["05", "06"])
def test_what_is_not_documented_is_no_difference_at_the_same_version(
    engine: Engine, had: object, read: object, is_written: bool, version: str
) -> None:
    """Neither to a merge nor to a comparison, and no version is kept of it; with the next version it is filled in."""
    for change_version, extra in (("05", had), (version, read)):
        row = (*Record(change_version).in_copy_order(1)[:-1], extra)
        with engine.begin() as connection:
            compared = Comparison(Stored(connection, "acme", COLLECTION), read=whole_list(COLLECTION.path))
            compared.stage([Page([row])])
            found, _ = compared.compare()
        with engine.begin() as connection:
            load = Load(Stored(connection, "acme", COLLECTION), read=whole_list(COLLECTION.path))
            load.stage([Page([row])])
            load.missing_from_pull()
            counts = load.merge()
    is_written = is_written or version == "06"
    assert (counts.updated, counts.unchanged) == ((1, 0) if is_written else (0, 1))
    assert [one.kind for one in found] == (["stale"] if is_written else [])
    with engine.connect() as connection:
        kept = connection.scalars(sa.text("SELECT extra FROM protime.clockings WHERE tenant = 'acme'")).one()
        versions = connection.scalar(sa.text("SELECT count(*) FROM protime.clocking_versions WHERE tenant = 'acme'"))
    assert kept == (read if is_written else had)
    assert versions == int(is_written)
