from __future__ import annotations

import os
import threading
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import URL, Engine

from protime_etl.errors import DatabaseError, SchemaError, SettingsError
from protime_etl.postgres.migrations.baseline import FILE, baseline
from protime_etl.postgres.schema.upgrade import require_schema, schema_state, upgrade_schema
from protime_etl.postgres.server.address import parse_url
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.tables.all import metadata
from tests.support.databases import NUMBERS, both_servers, database, execute

SCHEMAS = ("protime", "protime_etl")


def test_the_baseline_is_what_the_code_says() -> None:
    assert FILE.read_text(encoding="utf-8") == "".join(f"{one};\n" for one in baseline()), "run: make baseline"


@both_servers
def test_migrations_make_exactly_the_tables_that_the_code_knows(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "version_table_schema": "protime_etl",
                "include_name": lambda name, type_, _: type_ != "schema" or name in SCHEMAS,
                # Those that are not enforced: not every server knows them.
                "include_object": lambda _one, _name, type_, *_: type_ != "foreign_key_constraint",
            },
        )
        assert compare_metadata(context, metadata) == []


def test_every_table_view_and_column_has_a_comment(engine: Engine) -> None:
    with engine.connect() as connection:
        bare = connection.execute(
            sa.text(
                "SELECT c.oid::regclass::text, a.attname FROM pg_class AS c"
                " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped"
                " WHERE c.relnamespace::regnamespace::text = ANY(:schemas) AND c.relkind IN ('r', 'v')"
                " AND c.relname <> 'alembic_version'"
                " AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)"
            ),
            {"schemas": list(SCHEMAS)},
        ).all()
    assert bare == []


def written(engine: Engine) -> set[tuple[object, ...]]:
    """Every row of the catalogues that a migration or a view writes to: where it stands, and who wrote it."""
    catalogues = ["pg_class", "pg_attribute", "pg_constraint", "pg_description", "pg_proc", "pg_rewrite", "pg_trigger"]
    tables = [*catalogues, "protime_etl.alembic_version", "protime_etl.views"]
    query = " UNION ALL ".join(f"SELECT '{name}', ctid::text, xmin::text FROM {name}" for name in tables)
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(sa.text(query))}


def test_upgrading_again_changes_nothing_and_at_once_is_safe(empty_database: URL) -> None:
    engine = create_engine(empty_database)
    with pytest.raises(SchemaError, match="protime-etl db upgrade"):
        require_schema(engine)
    states = []
    threads = [threading.Thread(target=lambda: states.append(upgrade_schema(engine))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(states) == 4
    assert all(state.up_to_date for state in states)

    before = written(engine)
    upgrade_schema(engine)
    assert written(engine) == before, "no view is made again"
    require_schema(engine)
    engine.dispose()


def test_another_version_is_reported(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE protime_etl.alembic_version SET version_num = 'older'"))
    with pytest.raises(SchemaError, match=r"version older, this protime-etl needs \d{4}"):
        require_schema(engine)


@pytest.mark.parametrize("url", ["mysql://a/b", "nonsense", "postgresql://h:port/db"])
def test_what_is_not_a_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError, match="postgresql://user:password@host") as caught:
        parse_url(url)
    assert url not in str(caught.value)


def test_an_unreachable_server_is_reported_without_the_password() -> None:
    engine = create_engine(parse_url("postgres://me:hidden@127.0.0.1:1/db"))
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1/db cannot be reached") as caught:
        schema_state(engine)
    assert "hidden" not in str(caught.value)


def test_as_many_workers_as_are_allowed_have_a_connection_each(warehouse: URL) -> None:
    engine = create_engine(warehouse)
    with ExitStack() as stack:
        held = [stack.enter_context(engine.connect()) for _ in range(40)]
        assert [one.scalar(sa.text("SELECT 1")) for one in held] == [1] * 40
    engine.dispose()


@pytest.mark.parametrize("adopted", ["protime", "protime_etl"])
@both_servers
def test_schemas_of_another_role_or_open_to_one_are_not_adopted(warehouse: URL, adopted: str) -> None:
    name = f"first_{os.getpid()}_{next(NUMBERS)}"
    with database(warehouse, name) as url:
        loader, stranger = f"{name}_loader", f"{name}_stranger"
        for role in (loader, stranger):
            execute(url, f"CREATE ROLE {role} LOGIN")
        try:
            execute(url, f"GRANT CREATE, TEMPORARY ON DATABASE {name} TO {loader}")
            execute(url, f"CREATE SCHEMA {adopted} AUTHORIZATION {stranger}")
            execute(url, f"GRANT ALL ON SCHEMA {adopted} TO {loader}")
            engine = create_engine(url.set(username=loader))
            with pytest.raises(SchemaError, match=f"The schema {adopted} belongs to {stranger}, who could"):
                upgrade_schema(engine)
            execute(url, f"ALTER SCHEMA {adopted} OWNER TO {loader}")
            for whom in (stranger, "PUBLIC"):
                execute(url, f"GRANT CREATE ON SCHEMA {adopted} TO {whom}")
                with pytest.raises(SchemaError, match=f"{whom} may create functions") as refused:
                    upgrade_schema(engine)
                execute(url, refused.value.guidance.removeprefix("Run: "))
            assert upgrade_schema(engine).up_to_date
            engine.dispose()
        finally:
            for role in (loader, stranger):
                execute(url, f"DROP OWNED BY {role} CASCADE")
                execute(url, f"DROP ROLE {role}")
