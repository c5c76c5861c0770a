"""The views, with clockings whose local and absolute times are known: Brussels, both days on which clocks change."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.page import Page
from protime_etl.postgres.load.merge import Load
from protime_etl.postgres.server.statements import sql_folder
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.tables.engine import tenants
from tests.postgres.test_load import row
from tests.support.databases import both_servers
from tests.support.shadow import SHADOW

SPRING = dt.date(2026, 3, 29)
AUTUMN = dt.date(2026, 10, 25)
PLAIN = dt.date(2026, 6, 10)


def put(engine: Engine, *clockings: tuple[dt.date, int, str]) -> None:
    with engine.begin() as connection:
        connection.execute(tenants.insert().values(tenant="acme", timezone="Europe/Brussels"))
        load = Load(Stored(connection, "acme", CLOCKINGS))
        rows = [
            row(number, date=day, time_of_day_in_minutes=minutes, kind=kind)
            for number, (day, minutes, kind) in enumerate(clockings)
        ]
        load.stage([Page(rows)])
        load.merge()


def query(engine: Engine, text: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(one) for one in connection.execute(sa.text(text))]


@both_servers
@pytest.mark.parametrize(
    ("day", "minutes", "local", "utc", "change"),
    [
        (PLAIN, 480, "2026-06-10 08:00", "2026-06-10 06:00", None),
        (PLAIN, -120, "2026-06-09 22:00", "2026-06-09 20:00", None),
        (PLAIN, 1800, "2026-06-11 06:00", "2026-06-11 04:00", None),
        (SPRING, 119, "2026-03-29 01:59", "2026-03-29 00:59", None),
        (SPRING, 150, "2026-03-29 02:30", "2026-03-29 01:30", "never"),
        (SPRING, 180, "2026-03-29 03:00", "2026-03-29 01:00", None),
        (SPRING, 480, "2026-03-29 08:00", "2026-03-29 06:00", None),
        (AUTUMN, 119, "2026-10-25 01:59", "2026-10-24 23:59", None),
        (AUTUMN, 150, "2026-10-25 02:30", "2026-10-25 01:30", "twice"),
        (AUTUMN, 180, "2026-10-25 03:00", "2026-10-25 02:00", None),
        (AUTUMN, 480, "2026-10-25 08:00", "2026-10-25 07:00", None),
    ],
)
def test_local_time_and_moment(
    engine: Engine, day: dt.date, minutes: int, local: str, utc: str, change: str | None
) -> None:
    put(engine, (day, minutes, "InOut"))

    (found,) = query(
        engine,
        "SELECT to_char(local_time, 'YYYY-MM-DD HH24:MI'), to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),"
        " clock_change FROM protime.clockings_local WHERE tenant <> 'shadow'",
    )
    assert found == (local, utc, change)


@both_servers
@pytest.mark.parametrize(
    ("clockings", "minutes", "is_open", "last_out"),
    [
        (
            [(PLAIN, 480, "InOut"), (PLAIN, 720, "InOut"), (PLAIN, 750, "InOut"), (PLAIN, 1000, "InOut")],
            490,
            False,
            1000,
        ),
        ([(PLAIN, 480, "InOut"), (PLAIN, 720, "Reason"), (PLAIN, 750, "InOut")], 240, True, 720),
        ([(PLAIN, 480, "InOut")], 0, True, None),
        (
            [(PLAIN, 480, "InOut"), (PLAIN, 500, "Activity"), (PLAIN, 600, "ActivityEnd"), (PLAIN, 720, "InOut")],
            240,
            False,
            720,
        ),
        ([(PLAIN, 720, "InOut"), (PLAIN, 480, "InOut")], 240, False, 720),
        ([(PLAIN, -120, "InOut"), (PLAIN, 360, "InOut")], 480, False, 360),
        ([(SPRING, -120, "InOut"), (SPRING, 360, "InOut")], 420, False, 360),
        ([(AUTUMN, -120, "InOut"), (AUTUMN, 360, "InOut")], 540, False, 360),
    ],
    ids=[
        "lunch",
        "open with reason",
        "only in",
        "activities",
        "in added later",
        "night",
        "spring night",
        "autumn night",
    ],
)
def test_daily_presence(
    engine: Engine, clockings: list[tuple[dt.date, int, str]], minutes: int, is_open: bool, last_out: int | None
) -> None:
    put(engine, *clockings)

    (found,) = query(
        engine,
        "SELECT present_minutes, is_open, (extract(epoch FROM last_out - date) / 60)::int,"
        " (extract(epoch FROM first_in - date) / 60)::int FROM protime.daily_presence WHERE tenant <> 'shadow'",
    )
    assert found == (minutes, is_open, last_out, min(minute for _, minute, _ in clockings))


def test_deleted_clockings_are_not_present(engine: Engine) -> None:
    put(engine, (PLAIN, 480, "InOut"), (PLAIN, 720, "InOut"))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE protime.clockings SET deleted_at = now() WHERE tenant <> 'shadow'"))
    assert query(engine, "SELECT * FROM protime.daily_presence WHERE tenant <> 'shadow'") == []


@pytest.mark.parametrize("name", ["edited_and_deleted", "hours_by_week", "open_days"])
def test_queries_for_analysts_run(engine: Engine, name: str) -> None:
    path = sql_folder() / "queries" / f"{name}.sql"
    put(engine, (PLAIN, 480, "InOut"), (PLAIN, 720, "InOut"), (PLAIN, 750, "InOut"))
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE protime.clockings SET original_time_of_day_in_minutes = 481 WHERE tenant <> 'shadow' AND id = 1"
            )
        )
        rows = connection.exec_driver_sql(path.read_text(encoding="utf-8").replace("%", "%%")).all()
    assert len([row for row in rows if row.tenant != SHADOW]) == 1
