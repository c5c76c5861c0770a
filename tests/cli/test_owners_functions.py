"""Functions of the database's owner that name no schema: what failed is named, and the printed command cures it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.engine import URL

from tests.cli.shell import Shell
from tests.support.databases import execute
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY

DATES = ("--from", "2026-03-19", "--to", str(TODAY))
LOG = "CREATE TABLE public.audit_log (happened text)"
AUDIT = """CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO audit_log VALUES (TG_OP || TG_RELNAME); RETURN NULL; END $$"""
SEEN = """CREATE FUNCTION public.seen() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO audit_log VALUES (tg_tag); END $$"""
CURE = re.compile(r"ALTER FUNCTION \S+ SET search_path = public")


def cure(warehouse: URL, output: str) -> None:
    """What the message advises, word for word."""
    found = CURE.search(output)
    assert found is not None, output
    execute(warehouse, found[0])


@pytest.mark.parametrize(
    ("table", "event", "command"),
    [
        ("protime.clockings", "INSERT", ("sync", *DATES)),
        ("protime_etl.tenants", "DELETE", ("forget", "shadow", "--yes")),
        *in_long_form(
            [
                ("protime.clockings", "INSERT", ("sync", *DATES, "--workers", "2")),
                ("protime.people", "INSERT", ("sync", *DATES)),
                ("protime.people", "INSERT", ("backfill", *DATES)),
                ("protime_etl.deltas", "INSERT", ("changes",)),
                ("protime_etl.wrong", "INSERT", ("verify", *DATES)),
            ]
        ),
    ],
)
@pytest.mark.alone(reason="all of a tenant is removed")
def test_an_audit_trigger(table: str, event: str, command: tuple[str, ...], shell: Shell, warehouse: URL) -> None:
    if command[0] == "forget":
        execute(warehouse, "INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('shadow', 'UTC')")
    for statement in (LOG, AUDIT):
        execute(warehouse, statement)
    execute(warehouse, f"CREATE TRIGGER audit AFTER {event} ON {table} EXECUTE FUNCTION public.audit()")
    done = shell(*command)
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert "The function public.audit() failed on " in done.stderr
    assert 'relation "audit_log" does not exist' in done.stderr
    assert "db upgrade" not in done.stderr
    cure(warehouse, done.stderr)
    again = shell(*command)
    assert again.returncode in (0, 3), again.stderr
    assert "audit" not in again.stderr


def test_an_event_trigger(shell: Shell, empty_database: URL) -> None:
    for statement in (LOG, SEEN, "CREATE EVENT TRIGGER seen ON ddl_command_end EXECUTE FUNCTION public.seen()"):
        execute(empty_database, statement)
    shell.settings["PROTIME_DATABASE_URL"] = empty_database.render_as_string(hide_password=False)
    refused = shell("db", "upgrade")
    assert refused.returncode == 1
    assert "The function public.seen() failed on " in refused.stderr
    cure(empty_database, refused.stderr)
    for command in (("db", "upgrade"), ("sync", *DATES), ("changes",)):
        done = shell(*command)
        assert done.returncode == 0, (command, done.stderr)


def test_an_index_on_an_expression(shell: Shell, warehouse: URL) -> None:
    execute(warehouse, "CREATE FUNCTION public.plain(t text) RETURNS text IMMUTABLE LANGUAGE sql RETURN lower(t)")
    execute(
        warehouse,
        "CREATE FUNCTION public.sorted(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT plain($1)'"
        " SET search_path = public",
    )
    execute(warehouse, "CREATE INDEX ON protime.people (public.sorted(last_name))")
    execute(warehouse, "ALTER FUNCTION public.sorted RESET search_path")
    refused = shell("sync", *DATES)
    assert refused.returncode == 1, refused.stdout
    assert "The function sorted failed on " in refused.stderr
    assert "db upgrade" not in refused.stderr
    cure(warehouse, refused.stderr)
    assert shell("sync", *DATES).returncode == 0


def test_what_a_function_refuses_by_itself_is_its_own(shell: Shell, warehouse: URL) -> None:
    execute(
        warehouse,
        "CREATE FUNCTION public.closed() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'closed on Sundays'; END $$",
    )
    execute(warehouse, "CREATE TRIGGER closed BEFORE INSERT ON protime.people EXECUTE FUNCTION public.closed()")
    refused = shell("sync", *DATES)
    assert refused.returncode == 1
    assert "The function public.closed() failed on " in refused.stderr
    assert "(RaiseException: closed on Sundays). It does not belong to protime-etl" in refused.stderr


@pytest.mark.alone(reason="a table is removed")
def test_a_table_that_was_removed_is_named(shell: Shell, warehouse: URL) -> None:
    execute(warehouse, "DROP TABLE protime.clocking_versions CASCADE")
    for command in (("check",), ("sync", *DATES), ("forget", "shadow", "--yes")):
        refused = shell(*command)
        assert refused.returncode in (0, 1), command
        if refused.returncode:
            assert 'relation "protime.clocking_versions" does not exist' in refused.stderr + refused.stdout
            assert "restore what was removed" in refused.stderr + refused.stdout
