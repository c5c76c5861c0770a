from __future__ import annotations

import datetime as dt
import math
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.page import Page
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.records import RECORD_TABLES, VERSION_TABLES
from tests.postgres.test_load import load, row
from tests.support.databases import both_servers

COLUMNS = ", ".join(column.name for column in RECORD_TABLES["clockings"].columns)


def as_of(engine: Engine, moment: dt.datetime) -> dict[int, tuple[object, ...]]:
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(f"SELECT {COLUMNS} FROM protime.clockings_as_of(:moment) WHERE tenant <> 'shadow' ORDER BY id"),
            {"moment": moment},
        ).all()
    assert len({one.id for one in rows}) == len(rows), "one version of a row at a time"
    return {one.id: tuple(one) for one in rows}


def now(engine: Engine) -> tuple[dt.datetime, dict[int, tuple[object, ...]]]:
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(f"SELECT {COLUMNS} FROM protime.clockings WHERE tenant <> 'shadow' ORDER BY id")
        ).all()
        moment = connection.scalar(sa.text("SELECT clock_timestamp()"))
    assert moment is not None
    return moment, {one.id: tuple(one) for one in rows}


def test_versions_have_the_columns_of_clockings() -> None:
    own = [one.name for one in VERSION_TABLES["clockings"].columns if one.name not in ("valid_from", "valid_to")]
    assert own == [one.name for one in RECORD_TABLES["clockings"].columns if one.name != "written_at"]


@both_servers
def test_every_past_answer_can_be_had_again(engine: Engine) -> None:
    pictures = [now(engine)]
    for step in (
        [row(1), row(2)],
        [row(1, change_version="02", time_of_day_in_minutes=5), row(3)],
        [row(2, change_version="02", status="Deleted"), row(3, change_version="02")],
        [row(2, change_version="03", status="Active"), row(1, change_version="03", date=dt.date(2026, 1, 1))],
    ):
        load(engine, *step)
        pictures.append(now(engine))
    for moment, picture in pictures:
        assert as_of(engine, moment) == picture
    assert len(pictures[-1][1]) == 3
    with engine.connect() as connection:
        ends = sa.text("SELECT DISTINCT valid_to FROM protime.clocking_versions WHERE tenant <> 'shadow'")
        changes = connection.scalars(ends).all()
    for moment in changes:
        assert as_of(engine, moment).keys() >= {1, 2}


def test_several_changes_in_one_transaction_leave_one_version_at_a_time(engine: Engine) -> None:
    load(engine, row(1))
    before, picture = now(engine)
    with engine.begin() as connection:
        for version in ("02", "03", "04"):
            one = Load(Stored(connection, "acme", CLOCKINGS))
            one.stage([Page([row(1, change_version=version)])])
            one.merge()
        connection.execute(
            sa.text("UPDATE protime.clockings SET kind = 'Reason' WHERE tenant <> 'shadow'")
        )  # says nothing about written_at
        connection.execute(
            sa.text("UPDATE protime.clockings SET kind = 'InOut', written_at = '2000-01-01' WHERE tenant <> 'shadow'")
        )
    moment, last = now(engine)
    assert as_of(engine, before) == picture
    assert as_of(engine, moment) == last
    with engine.connect() as connection:
        kept = connection.execute(
            sa.text(
                "SELECT valid_from, valid_to FROM protime.clocking_versions"
                " WHERE tenant <> 'shadow' ORDER BY valid_from"
            )
        ).all()
        written = connection.scalar(sa.text("SELECT written_at FROM protime.clockings WHERE tenant <> 'shadow'"))
    ends = [*(one.valid_from for one in kept[1:]), written]
    assert [one.valid_to for one in kept] == ends
    assert all(one.valid_from < one.valid_to for one in kept)
    assert len(kept) == 5


def test_a_load_that_changes_nothing_leaves_no_version(engine: Engine) -> None:
    load(engine, row(1))
    load(engine, row(1), row(2))
    with engine.connect() as connection:
        assert (
            connection.scalar(sa.text("SELECT count(*) FROM protime.clocking_versions WHERE tenant <> 'shadow'")) == 0
        )


def test_what_keeps_versions_has_nothing_to_do_with_a_first_load(engine: Engine) -> None:
    """Its triggers are fired by updates alone."""
    with engine.connect() as connection:
        fired = connection.execute(
            sa.text(
                "SELECT trigger_name, event_manipulation FROM information_schema.triggers"
                " WHERE event_object_schema = 'protime' AND event_object_table = 'clockings' ORDER BY 1"
            )
        ).all()
    assert [tuple(row) for row in fired] == [("keep_versions", "UPDATE"), ("written_later", "UPDATE")]


@pytest.mark.long
@pytest.mark.alone(reason="it empties a table each time")
def test_versions_cost_a_first_load_little(engine: Engine) -> None:
    rows = [row(number) for number in range(20_000)]

    def seconds(*, versions: bool) -> float:
        with engine.begin() as connection:
            connection.execute(sa.text("TRUNCATE protime.clockings"))
            for trigger in ("keep_versions", "written_later"):
                connection.execute(
                    sa.text(f"ALTER TABLE protime.clockings {'ENABLE' if versions else 'DISABLE'} TRIGGER {trigger}")
                )
        began = time.perf_counter()
        load(engine, *rows)
        return time.perf_counter() - began

    seconds(versions=True)
    with_versions = without = math.inf
    for _ in range(25):  # on a busy machine it takes many tries to be alone twice
        with_versions = min(with_versions, seconds(versions=True))
        without = min(without, seconds(versions=False))
        if with_versions < without * 1.15:
            break
    print(f"versions: first load {with_versions:.3f} s with, {without:.3f} s without")  # noqa: T201
    assert with_versions < without * 1.15
