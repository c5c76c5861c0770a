"""What others made of our views and functions outlives an upgrade, or is named; and so do the rights of readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.errors import SchemaError
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from tests.cli.shell import Shell
from tests.support.databases import both_in_long_form, execute
from tests.support.next_version import next_version

AS_OF_BEFORE = """CREATE FUNCTION protime.clockings_as_of(moment timestamptz) RETURNS TABLE (tenant text, id bigint)
LANGUAGE sql STABLE AS 'SELECT tenant, id FROM protime.clockings WHERE written_at <= moment'"""
BOOK_BEFORE = "CREATE VIEW protime_etl.book AS SELECT tenant, collection FROM protime_etl.promises"


def oids(url: URL) -> dict[str, int]:
    """Every view and function of ours, by its number: another one is another object."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT CAST(oid AS regclass)::text AS name, oid FROM pg_class WHERE relkind = 'v'"
                " AND relnamespace IN ('protime'::regnamespace, 'protime_etl'::regnamespace)"
                " UNION ALL SELECT CAST(oid AS regprocedure)::text, oid FROM pg_proc"
                " WHERE pronamespace IN ('protime'::regnamespace, 'protime_etl'::regnamespace)".replace("::", "\\:\\:")
            )
        ).all()
    engine.dispose()
    return {row.name: row.oid for row in found}


@pytest.fixture
def reader(warehouse: URL) -> Iterator[str]:
    name = f"reader_{warehouse.database}"
    execute(warehouse, f"CREATE ROLE {name}")
    yield name
    execute(warehouse, f"DROP OWNED BY {name}")
    execute(warehouse, f"DROP ROLE {name}")


def upgrade(url: URL) -> None:
    engine = create_engine(url)
    try:
        upgrade_schema(engine)
    finally:
        engine.dispose()


def value(url: URL, query: str) -> Any:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(sa.text(query))
    engine.dispose()
    return found


@both_in_long_form
def test_what_can_be_replaced_is_and_all_that_depends_on_it_stays(warehouse: URL) -> None:
    for statement in (
        "CREATE VIEW public.mine AS SELECT * FROM protime.clockings_as_of('2026-03-20')",
        "CREATE MATERIALIZED VIEW public.hours AS SELECT * FROM protime.daily_presence",
        "CREATE VIEW public.held AS SELECT tenant, due FROM protime_etl.book",
        "CREATE FUNCTION public.days() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM protime.coverage; END",
    ):
        execute(warehouse, statement)
    before = oids(warehouse)
    upgrade(warehouse)
    assert oids(warehouse) == before
    execute(warehouse, "DELETE FROM protime_etl.views")  # as if all of them had changed
    upgrade(warehouse)
    assert oids(warehouse) == before


@both_in_long_form
def test_what_depends_on_what_has_other_columns_is_named(shell: Shell, warehouse: URL) -> None:
    execute(warehouse, "DROP FUNCTION protime.clockings_as_of")
    execute(warehouse, AS_OF_BEFORE)
    execute(warehouse, "DELETE FROM protime_etl.views")
    execute(warehouse, "CREATE VIEW public.mine AS SELECT * FROM protime.clockings_as_of('2026-03-20')")
    execute(warehouse, "CREATE MATERIALIZED VIEW public.deeper AS SELECT id FROM public.mine")
    before = oids(warehouse)
    for _ in range(2):
        refused = shell("db", "upgrade")
        assert refused.returncode == 1
        assert "view public.mine depends on function protime.clockings_as_of" in refused.stderr
        assert "drop them, run the same command again, and create them again" in refused.stderr
        assert oids(warehouse) == before
    execute(warehouse, "DROP VIEW public.mine CASCADE")
    assert shell("db", "upgrade").returncode == 0
    execute(warehouse, "CREATE VIEW public.mine AS SELECT * FROM protime.clockings_as_of('2026-03-20')")
    assert shell("sql", "SELECT count(*) FROM public.mine").returncode == 0


@both_in_long_form
def test_what_is_made_again_may_be_read_by_whom_it_could_be(warehouse: URL, reader: str) -> None:
    at_first = {name.partition("(")[0] for name in oids(warehouse)}
    execute(warehouse, "DROP FUNCTION protime.clockings_as_of")
    execute(warehouse, AS_OF_BEFORE)
    execute(warehouse, "REVOKE EXECUTE ON FUNCTION protime.clockings_as_of FROM PUBLIC")
    execute(warehouse, "DROP VIEW protime_etl.book CASCADE")
    execute(warehouse, BOOK_BEFORE)
    execute(warehouse, "CREATE VIEW protime.proof AS SELECT tenant FROM protime_etl.book")
    execute(warehouse, "DELETE FROM protime_etl.views")
    for what in ("SELECT ON protime.proof", "SELECT ON protime_etl.book", "SELECT ON protime.daily_presence"):
        execute(warehouse, f"GRANT {what} TO {reader} WITH GRANT OPTION")
    execute(warehouse, f"GRANT EXECUTE ON FUNCTION protime.clockings_as_of TO {reader}")
    upgrade(warehouse)
    assert {name.partition("(")[0] for name in oids(warehouse)} == at_first
    for view in ("protime.proof", "protime_etl.book", "protime.daily_presence"):
        assert value(warehouse, f"SELECT has_table_privilege('{reader}', '{view}', 'SELECT WITH GRANT OPTION')")
    as_of = "protime.clockings_as_of(timestamptz)"
    assert value(warehouse, f"SELECT has_function_privilege('{reader}', '{as_of}', 'EXECUTE')")
    assert not value(warehouse, f"SELECT has_function_privilege('public', '{as_of}', 'EXECUTE')")


@pytest.mark.parametrize("kind", ["view", "function"])
def test_a_migration_names_what_depends_on_what_it_drops(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    dropped, of_users = {
        "view": ("VIEW protime.drift", "protime.drift"),
        "function": ("FUNCTION protime.clockings_as_of", "protime.clockings_as_of(now())"),
    }[kind]
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE VIEW public.mine AS SELECT * FROM {of_users}")
    next_version(monkeypatch, tmp_path, f"DROP {dropped}")
    with pytest.raises(SchemaError, match=rf"view public\.mine depends on {kind} protime\."):
        upgrade_schema(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW public.mine")
    assert upgrade_schema(engine).up_to_date
