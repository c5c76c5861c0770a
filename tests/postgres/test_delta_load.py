"""Deletions that a delta reports, and the tombstones of those that have no row, by hand."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.page import Page, RejectedRecord
from protime_etl.postgres.load.delta_load import DeltaLoad, unresolved_deletions
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.clock import database_clock
from protime_etl.postgres.server.stored import Stored
from protime_etl.work import Slice
from tests.postgres.test_load import DAY, load, row, stored

TENANT = "acme"


def delete(engine: Engine, **versions: str) -> tuple[int, int]:
    """Report these deletions; returns how many rows are deleted by them, and how many deletions change nothing."""
    with engine.begin() as connection:
        one = DeltaLoad(Stored(connection, TENANT, CLOCKINGS), database_clock(connection))
        one.delete({int(name.removeprefix("id")): version for name, version in versions.items()})
        return one.counts.deleted, one.counts.unchanged


def tombstones(engine: Engine) -> dict[int, str]:
    with engine.connect() as connection:
        query = sa.text("SELECT id, change_version FROM protime_etl.tombstones WHERE tenant = :tenant ORDER BY id")
        return {found.id: found.change_version for found in connection.execute(query, {"tenant": TENANT})}


def unresolved(engine: Engine, deletions: dict[int, str], tenant: str = TENANT) -> dict[int, str]:
    with engine.connect() as connection:
        return unresolved_deletions(Stored(connection, tenant, CLOCKINGS), deletions)


def test_a_deletion_in_the_version_of_the_row_or_a_newer_one_deletes_it(engine: Engine) -> None:
    load(engine, row(1, "05"), row(2, "05"), row(3, "05"))
    deletions = {1: "04", 2: "05", 3: "06"}
    assert unresolved(engine, deletions) == {2: "05", 3: "06"}
    assert delete(engine, id1="04", id2="05", id3="06") == (2, 1)
    assert [stored(engine, number).deleted_by for number in (1, 2, 3)] == [None, "delta", "delta"]
    assert [stored(engine, number).change_version for number in (1, 2, 3)] == ["05", "05", "06"]
    assert unresolved(engine, deletions) == {}


def test_how_a_deletion_was_learnt_first_is_kept(engine: Engine) -> None:
    load(engine, row(1), row(2))
    load(engine, row(2))
    before = stored(engine, 1)
    assert before.deleted_by == "vanished"
    assert delete(engine, id1="09") == (0, 1)
    after = stored(engine, 1)
    assert (after.deleted_by, after.deleted_at, after.change_version) == ("vanished", before.deleted_at, "09")


def test_a_tombstone_keeps_the_newest_version_and_leaves_with_a_newer_record(engine: Engine) -> None:
    delete(engine, id1="05", id2="05", id3="05")
    delete(engine, id1="04")
    assert tombstones(engine) == {1: "05", 2: "05", 3: "05"}
    assert unresolved(engine, {1: "05", 2: "06"}) == {2: "06"}
    assert load(engine, row(1, "05"), row(2, "04"), row(3, "06")).inserted == 1
    assert tombstones(engine) == {1: "05", 2: "05"}, "the others came in no newer version"


def test_a_tombstone_is_one_of_its_collection_and_tenant(engine: Engine) -> None:
    with engine.begin() as connection:
        statement = sa.text(
            "INSERT INTO protime_etl.tombstones (tenant, collection, id, change_version)"
            " VALUES ('acme', 'people', 1, '~'), ('beta', 'clockings', 1, '~')"
        )
        connection.execute(statement)
    assert unresolved(engine, {1: "05"}) == {1: "05"}
    assert load(engine, row(1)).inserted == 1


def test_the_former_person_of_a_record_is_locked_too(engine: Engine) -> None:
    load(engine, row(1, person_id=2), row(2, person_id=3), scope=Slice([1, 2, 3], DAY, DAY, "clockings"))
    with engine.begin() as connection:
        one = DeltaLoad(Stored(connection, TENANT, CLOCKINGS), database_clock(connection))
        one.stage([Page([row(1, "05", person_id=1)])])
        one.lock_people({2: "05"})
        locked = sa.text("SELECT person_id FROM protime_etl.coverage WHERE tenant = :tenant ORDER BY person_id")
        assert connection.scalars(locked, {"tenant": TENANT}).all() == [1, 2, 3]


def test_a_rejected_record_that_comes_again_is_seen_again(engine: Engine) -> None:
    def reject() -> Any:
        with engine.begin() as connection:
            one = Load(Stored(connection, TENANT, CLOCKINGS))
            one.stage([Page(rejected=[RejectedRecord(1, "why", "{}", "fingerprint")])])
            one.merge()
        with engine.connect() as connection:
            seen = sa.text("SELECT first_seen_at, last_seen_at FROM protime_etl.rejected_record WHERE tenant = :tenant")
            return connection.execute(seen, {"tenant": TENANT}).one()

    first, again = reject(), reject()
    assert again.first_seen_at == first.first_seen_at
    assert again.last_seen_at > first.last_seen_at
