"""Row-level security: policies that let the loader at every row change nothing, and others are named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell
from tests.support.databases import both_in_long_form, database, execute
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

DATES = ("--from", "2026-03-07", "--to", str(TODAY))
TABLES = ("protime.clockings", "protime.people", "protime.clocking_versions", "protime_etl.coverage")


@pytest.fixture
def owned(warehouse: URL) -> Iterator[URL]:
    """A warehouse whose owner is no superuser and obeys policies."""
    name = f"owned_{warehouse.database}"
    execute(warehouse, f"CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS")
    with database(warehouse, name) as made:
        execute(warehouse, f"ALTER DATABASE {name} OWNER TO {name}")
        url = made.set(username=name)
        engine = create_engine(url)
        upgrade_schema(engine)
        engine.dispose()
        for table in TABLES:
            execute(url, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            execute(url, f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        yield url
    execute(warehouse, f"DROP ROLE {name}")


@pytest.fixture
def shell(shell: Shell, owned: URL) -> Shell:
    shell.settings["PROTIME_DATABASE_URL"] = owned.render_as_string(hide_password=False)
    return shell


@pytest.fixture
def engine(owned: URL) -> Iterator[Engine]:
    engine = create_engine(owned)
    yield engine
    engine.dispose()


@both_in_long_form
def test_a_policy_for_all_rows_changes_nothing(
    shell: Shell, owned: URL, engine: Engine, simulated: SimulatedTenant
) -> None:
    for table in TABLES:
        execute(owned, f"CREATE POLICY everything ON {table} USING (true)")
    for command in (("check",), ("sync", *DATES), ("changes",), ("backfill", *DATES, "--fresh"), ("verify", *DATES)):
        done = shell(*command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    simulated.tenant.hard_delete(simulated.tenant.truth()[0].id)
    assert shell("changes").returncode == 0
    truth, rows = tenant_rows(simulated.tenant), table_rows(engine)
    assert {key: row for key, row in rows.items() if key in truth} == truth
    assert [row["is_deleted"] for key, row in rows.items() if key not in truth] == [True]
    assert shell("forget", "simulated", "--yes").returncode == 0


@pytest.mark.parametrize(
    ("policies", "whole"),
    [
        (["USING (true) WITH CHECK (person_id > 0)"], False),
        (["TO CURRENT_USER USING (true) WITH CHECK (true)"], True),
        (["USING (true)", "AS RESTRICTIVE FOR SELECT USING (person_id > 0)"], False),
        *in_long_form(
            [
                ([], False),
                (["USING (person_id > 0)"], False),
                (["FOR SELECT USING (true)"], False),
                (["TO pg_monitor USING (true)"], False),
                (["FOR SELECT USING (person_id > 0)", "USING (true)"], True),
                (
                    [
                        "FOR SELECT USING (true)",
                        "FOR INSERT WITH CHECK (true)",
                        "FOR UPDATE USING (true)",
                        "FOR DELETE USING (true)",
                    ],
                    True,
                ),
                (["USING (true)", "AS RESTRICTIVE TO pg_monitor USING (false)"], True),
            ]
        ),
    ],
)
def test_a_policy_that_hides_rows_is_named(policies: list[str], whole: bool, shell: Shell, owned: URL) -> None:
    for table in TABLES[1:]:
        execute(owned, f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for number, policy in enumerate(policies):
        execute(owned, f"CREATE POLICY p{number} ON protime.clockings {policy}")
    checked, synced = shell("check"), shell("sync", *DATES)
    assert (checked.returncode, synced.returncode) == ((0, 0) if whole else (1, 1)), synced.stderr
    warning = "Row-level security may hide rows from the database user: protime.clockings."
    assert (warning in checked.stdout, warning in synced.stderr) == (not whole, not whole)
