"""What is said of a large warehouse is said at once: 20,000 people, five years, gaps in ids, many hired over time."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.airflow.page.reading import read_tenants
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.book.due import to_compare
from protime_etl.postgres.server.stored import Stored
from tests.cli.shell import Shell
from tests.support.databases import connect

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.alone(reason="another tenant's rows take no time"),
]
FILL = (
    "SET synchronous_commit = off",
    """INSERT INTO protime_etl.tenants (tenant, timezone, environment, api_host)
    VALUES ('large', 'Europe/Brussels', 'production', 'large.example')""",
    # Gaps in ids; a third was hired, and some left, in these years; some have come back.
    """INSERT INTO protime.people (tenant, id, change_version, in_service_date, out_of_service_date, written_at)
    SELECT 'large', 1000 + 7 * n + n % 5, 'a',
        CASE WHEN n % 10 < 3 THEN current_date - 1826 + CAST(n * 7919 % 1800 AS integer) ELSE date '2001-01-01' END,
        CASE WHEN n % 11 = 0 THEN current_date - 1 - CAST(n * 104729 % 900 AS integer) END, now()
    FROM generate_series(1, 20000) AS n""",
    """INSERT INTO protime.people_versions
        (tenant, id, change_version, in_service_date, out_of_service_date, valid_from, valid_to)
    SELECT tenant, id, '0', in_service_date - 2000, in_service_date - 1000, now() - interval '9 years', now()
    FROM protime.people WHERE id % 13 = 0""",
    """INSERT INTO protime_etl.promises (tenant, collection, by_people, dates, follows_from)
    VALUES ('large', 'clockings', true, datemultirange(daterange(current_date - 1826, current_date)), current_date)""",
    # One person is not read on some days, and much is not proven.
    """INSERT INTO protime_etl.coverage (tenant, collection, person_id, dates, proven, read_at)
    SELECT 'large', 'clockings', id,
        datemultirange(daterange(greatest(in_service_date, current_date - 1826), current_date - 1))
            - CASE WHEN id % 1000 = 0
                THEN datemultirange(daterange(current_date - 90, current_date - 60)) ELSE '{}' END,
        datemultirange(daterange(greatest(in_service_date, current_date - 1826), current_date - 1))
            - datemultirange(daterange(current_date - CAST(id % 1500 AS integer) - 9,
                current_date - CAST(id % 1500 AS integer) - 4)), now()
    FROM protime.people""",
    """INSERT INTO protime_etl.proof_days (tenant, collection, date, proven_at)
    SELECT 'large', 'clockings', current_date - n, now() - interval '1 day' * (n * 31 % 400)
    FROM generate_series(2, 1826) AS n WHERE n % 9 <> 0""",
    """INSERT INTO protime_etl.runs (tenant, kind, started_by, dag_id, dag_run_id,
        date_from, date_to, status, started_at, collections)
    SELECT 'large', 'nightly', 'airflow', 'protime_clockings_nightly', 'scheduled__' || n,
        current_date - n - 7, current_date - n,
        'done', now() - interval '1 day' * n, '{clockings}' FROM generate_series(1, 400) AS n""",
    """INSERT INTO protime_etl.units
        (run_id, collection, date_from, date_to, person_ids, status, finished_at, seconds, rows_read)
    SELECT run_id, 'clockings', date_from, date_to, '{1008}', 'done', started_at, 1, 1000
    FROM protime_etl.runs, generate_series(1, 100)""",
)
# In the order of people: so the indexes are made in minutes.
CLOCKINGS = """
INSERT INTO protime.clockings (tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version)
SELECT 'large', 1000 * p.id + n, p.id, day, 480 + n % 60, 'InOut', to_hex(n)
FROM protime.people AS p, generate_series(1, {each}) AS n,
    LATERAL (SELECT current_date - 1 - CAST(n * 1826 / {each} AS integer) AS day) AS days
WHERE p.tenant = 'large' AND p.id BETWEEN {first} AND {last}
    AND day BETWEEN p.in_service_date AND coalesce(p.out_of_service_date, current_date)
"""
LARGEST_ID = 1000 + 7 * 20_000 + 4
AT_ONCE = 7000


@pytest.fixture
def each(amount: Callable[[int, int], int]) -> int:
    """Clockings of a person."""
    return amount(0, 700)


def took(call: Callable[[], object]) -> float:
    """Seconds, of the second time: pages of the tables are in memory then, as they are at night."""
    call()
    before = time.monotonic()
    call()
    return time.monotonic() - before


def test_what_is_said_of_ten_million_clockings_is_said_within_seconds(
    warehouse: URL, engine: Engine, each: int, tmp_path: Path
) -> None:
    shell = Shell(tmp_path, database_url=warehouse.render_as_string(hide_password=False))
    with closing(connect(warehouse)) as session:
        for statement in FILL:
            session.execute(statement.encode())
        for first in range(1000, LARGEST_ID, AT_ONCE):
            session.execute(CLOCKINGS.format(first=first, last=first + AT_ONCE - 1, each=each).encode())
        session.execute("ANALYZE")
        (clockings,) = session.execute("SELECT count(*) FROM protime.clockings").fetchone() or (0,)
    assert clockings > 10_000_000
    month_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
    today = dt.datetime.now(dt.UTC).date()

    def ask() -> None:
        with engine.connect() as connection:
            found = to_compare(Stored(connection, "large", COLLECTIONS["clockings"]), today, month_ago)
        assert len(found) > 500

    def read(view: str) -> None:
        with engine.connect() as connection:
            assert connection.scalar(sa.text(f"SELECT count(*) FROM protime.{view} WHERE tenant = 'large'")) > 1000

    seconds = {
        "status": took(lambda: shell("status")),
        "the page": took(lambda: read_tenants(warehouse)),
        "the proof's question": took(ask),
        "protime.coverage": took(lambda: read("coverage")),
        "protime.proof": took(lambda: read("proof")),
    }
    printed = " ".join(f"{name}: {took_:.2f} s;" for name, took_ in seconds.items())
    sys.stdout.write(f"{printed}\n")
    assert "clockings not read: " in shell("status").stdout
    assert seconds["status"] < 2, printed
    assert seconds["the page"] < 2, printed
    assert seconds["the proof's question"] < 2, printed
