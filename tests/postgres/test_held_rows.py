"""The text of a jsonb value: where it is not PostgreSQL's own, what is unchanged is staged and merged each night.

And a stream of rows that ends before its end.
"""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy.engine import Engine

from protime_etl.postgres.load.held_rows import MOST_HELD, HeldRows, _as_stored, rows_of
from tests.support.databases import both_servers, connect

# PostgreSQL stores no NUL, and a surrogate alone is no text.
TEXTS = some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
LEAVES = some.none() | some.booleans() | some.integers(-(2**63), 2**63 - 1) | TEXTS
VALUES = some.recursive(
    LEAVES, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=4)
)


@both_servers
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=some.lists(VALUES, min_size=50, max_size=50))
def test_a_jsonb_value_has_the_text_that_postgresql_gives_of_it(engine: Engine, values: list[Any]) -> None:
    texts = [_as_stored(value).decode() for value in values]
    with engine.connect() as connection:
        query = "SELECT CAST(CAST(:texts AS text[]) AS jsonb[])::text[]"
        stored = connection.scalar(sa.text(query), {"texts": texts})
    assert stored == texts


def test_a_number_is_never_taken_for_another_one() -> None:
    numbers = ["1.1", "1.10", "1.1000000000000000001", "1e5", "100000", "100000.0", "123456789012345678901234567890"]
    assert len({_as_stored(msgspec.Raw(one.encode())) for one in numbers}) == len(numbers)


def test_a_value_that_is_nested_too_deep_to_be_sorted_has_a_text_too() -> None:
    deep = b"[" * 700 + b"]" * 700
    assert _as_stored(msgspec.Raw(deep)) == deep


def test_what_the_documentation_does_not_know_is_held_and_counted(engine: Engine) -> None:
    with connect(engine.url) as driver:
        held = HeldRows(driver, ["int8", "jsonb"])
        held.take([(1, {"new": "x" * (MOST_HELD // 2)})])
        assert not held.is_full
        held.take([(2, {"new": "x" * (MOST_HELD // 2)})])
        assert held.is_full


@both_servers
@pytest.mark.parametrize("row", [1, 2, 1000])
def test_a_failure_among_the_rows_is_reported_and_leaves_the_connection_usable(engine: Engine, row: int) -> None:
    statement = f"COPY (SELECT 1 / (n - {row}) FROM generate_series(1, 2000) AS n) TO STDOUT (FORMAT BINARY)"
    with connect(engine.url) as driver:
        with (
            pytest.raises(psycopg.errors.DivisionByZero),
            driver.cursor() as cursor,
            cursor.copy(statement.encode()) as copy,
        ):
            list(rows_of(copy, driver))
        assert driver.execute("SELECT 1").fetchone() == (1,)
