"""`protime-etl sql QUERY`: what an analyst sees of rows, values and mistakes."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from tests.cli.shell import COMMAND, Shell, hear_ctrl_c
from tests.support.databases import both_in_long_form, execute

VALUES = """
SELECT 1 AS n, 'tab	line
end \\ \x1b[31mred\x1b[0m' AS t, '' AS empty, NULL::text AS null, true AS yes, '\\x00ff'::bytea AS bytes,
    '{"a": [1.50, "é"]}'::jsonb AS doc, 'infinity'::date AS ever, '-infinity'::timestamptz AS never,
    1.10::numeric(9,2) AS amount, 'NaN'::float8 AS nan, '{1,2,NULL}'::int[] AS list, '0001-01-01 BC'::date AS old
"""
TSV = (
    "n\tt\tempty\tnull\tyes\tbytes\tdoc\tever\tnever\tamount\tnan\tlist\told\n"
    r"1|tab\tline\nend \\ \x1b[31mred\x1b[0m||\N|true|\\x00ff|"
    r'{"a": [1.50, "é"]}|infinity|-infinity|1.10|NaN|{1,2,NULL}|0001-01-01 BC'
).replace("|", "\t") + "\n"


@pytest.fixture
def acme(engine: Engine) -> Engine:
    """A warehouse with one tenant."""
    execute(engine.url, "INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('simulated', 'Europe/Brussels')")
    return engine


def test_a_pipe_gets_what_copy_takes(shell: Shell) -> None:
    result = shell("sql", VALUES)
    assert result.stderr == ""
    assert result.stdout == TSV


def test_csv_is_read_back_whole(shell: Shell) -> None:
    result = shell("sql", "--csv", VALUES)
    names, row = csv.reader(io.StringIO(result.stdout, newline=""))
    found = dict(zip(names, row, strict=True))
    assert (found["n"], found["yes"], found["never"], found["null"]) == ("1", "true", "-infinity", "")
    assert found["t"] == "tab\tline\nend \\ \x1b[31mred\x1b[0m"


def test_json_keeps_numbers_booleans_documents_and_lists(shell: Shell) -> None:
    result = shell("sql", "--json", VALUES + " UNION ALL SELECT 2" + ", NULL" * 12 + " ORDER BY 1")
    assert result.stdout.isascii()
    assert '"amount":1.10' in result.stdout
    first, second = json.loads(result.stdout)
    assert first == {
        "n": 1, "t": "tab\tline\nend \\ \x1b[31mred\x1b[0m", "empty": "", "null": None, "yes": True,
        "bytes": "\\x00ff", "doc": {"a": [1.5, "é"]}, "ever": "infinity", "never": "-infinity", "amount": 1.1,
        "nan": "NaN", "list": [1, 2, None], "old": "0001-01-01 BC",
    }  # fmt: skip
    assert set(second.values()) == {2, None}
    assert json.loads(shell("sql", "--json", "SELECT 1 AS a, 2 AS a WHERE false").stdout) == []
    assert json.loads(shell("sql", "--json", "SELECT 1 AS a, 2 AS a").stdout) == [{"a": 1, "a_2": 2}]


def test_json_keeps_each_character_of_a_document(shell: Shell) -> None:
    document = {"a\u2028b": "\u0085\x7fé\U0001f600", "number": 12345678901234567890123456789}
    query = f"SELECT '{json.dumps(document, ensure_ascii=False, indent=1)}'::json AS json, ARRAY['é\u2029'] AS list"
    printed = shell("sql", "--json", query).stdout
    assert (len(printed.split("\n")), printed.isascii()) == (4, True)
    assert json.loads(printed) == [{"json": document, "list": ["é\u2029"]}]


def test_coverage_that_was_never_read_prints(shell: Shell, acme: Engine) -> None:
    execute(
        acme.url,
        "INSERT INTO protime_etl.coverage (tenant, collection, person_id, dates, read_at)"
        " VALUES ('simulated', 'clockings', 1, '{}', '-infinity')",
    )
    result = shell("sql", "SELECT person_id, dates, read_at FROM protime_etl.coverage WHERE person_id = 1")
    assert result.stdout.splitlines()[1].split("\t") == ["1", "{}", "-infinity"]


@pytest.mark.parametrize(
    ("statement", "stdout"),
    [
        ("SHOW bytea_output", "bytea_output\nhex\n"),
        ("VALUES (1, 'a'), (2, NULL)", "column1\tcolumn2\n1\ta\n2\t\\N\n"),
        ("EXPLAIN (COSTS off) SELECT 1", "QUERY PLAN\nResult\n"),
        ("SELECT 1 AS one WHERE false", "one\n"),
        ("WITH made AS (INSERT INTO t VALUES (1), (2) RETURNING n) SELECT sum(n) FROM made", "sum\n3\n"),
        ("UPDATE t SET n = n RETURNING n, n > 0 AS positive", "n\tpositive\n7\ttrue\n"),
        ("UPDATE t SET n = n", "1 row\n"),
        ("CREATE TABLE other (n int)", "done\n"),
    ],
)
def test_each_kind_of_statement_prints_its_result(shell: Shell, engine: Engine, statement: str, stdout: str) -> None:
    execute(engine.url, "CREATE TABLE public.t (n int)")
    execute(engine.url, "INSERT INTO public.t VALUES (7)")
    done = shell("sql", "--write", statement)
    assert (done.returncode, done.stdout, done.stderr) == (0, stdout, "")


@pytest.mark.long
def test_a_terminal_gets_many_rows_a_part_at_a_time(shell: Shell) -> None:
    _, shown = shell.terminal(80, "sql", "SELECT n FROM generate_series(1, 1000) AS n")
    lines = shown.splitlines()
    assert (lines[0], lines[1], lines[501], lines[502], lines[-1]) == ("  n", "  1", "   n", " 501", "(1000 rows)")
    _, narrow = shell.terminal(20, "sql", "SELECT n, repeat('x', 20) AS x FROM generate_series(1, 501) AS n")
    assert narrow.splitlines()[-4:] == ["-- 501 --", "n  501", f"x  {'x' * 20}", "(501 rows)"]


def test_a_query_below_many_comments_runs_at_once(shell: Shell) -> None:
    commented = "/* one of many */\n" * 200 + "-- and another\n"
    assert shell("sql", commented + "SELECT 1 AS one").stdout == "one\n1\n"
    refused = shell("sql", commented + "COPY (SELECT 1) TO STDOUT")
    assert (refused.returncode, "COPY from or to" in refused.stderr) == (2, True)


def test_rows_come_as_they_are_read(shell: Shell) -> None:
    endless = "SELECT generate_series(1, 9223372036854775807) AS n"
    with subprocess.Popen(
        [COMMAND, "sql", endless], stdout=subprocess.PIPE, env={**shell.settings, "PATH": "/usr/bin:/bin"}, text=True
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["n\n", "1\n", "2\n"]
        process.stdout.close()
        assert process.wait(60) == 1  # as any program whose reader has gone


@pytest.mark.long
def test_ctrl_c_while_no_one_takes_the_rows_ends_it(shell: Shell) -> None:
    with subprocess.Popen(
        [COMMAND, "sql", "SELECT generate_series(1, 9223372036854775807)"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **shell.settings},
        preexec_fn=hear_ctrl_c,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        time.sleep(1)  # by now the pipe is full
        process.send_signal(signal.SIGINT)
        time.sleep(1)  # by now it has heard it
        process.stdout.close()
        assert process.wait(60) == 130
        assert process.stderr.read() == "error: Interrupted. What was committed stays; run it again to resume.\n"


def test_it_reads_only_unless_asked(shell: Shell, acme: Engine) -> None:
    refused = shell("sql", "DELETE FROM protime_etl.tenants WHERE tenant <> 'shadow'")
    assert refused.returncode == 1
    assert refused.stderr == (
        "error: cannot execute DELETE in a read-only transaction."
        " Pass --write if it is meant to change the warehouse.\n"
    )
    assert shell("sql", "--write", "DELETE FROM protime_etl.tenants WHERE tenant <> 'shadow'").stdout == "1 row\n"
    with acme.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM protime_etl.tenants WHERE tenant <> 'shadow'")) == 0


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO PROGRAM 'cat > FILE'",
        "/* so */ copy (SELECT 1) TO 'FILE'",
        "DO $$ BEGIN EXECUTE $a$ COPY (SELECT 1) TO PROGRAM 'cat > FILE' $a$; END $$",
        "SELECT lo_from_bytea(424242, 'kept')",
        "PREPARE TRANSACTION 'kept'",
    ],
)
@both_in_long_form
def test_nothing_outside_of_the_tables_is_changed_either(shell: Shell, query: str) -> None:
    shell.folder.chmod(0o777)  # the server may be another user
    file = shell.folder / "written"
    shell("sql", query.replace("FILE", str(file)))
    assert not file.exists()
    for left in ("pg_largeobject_metadata", "pg_prepared_xacts"):
        assert shell("sql", f"SELECT count(*) FROM {left}").stdout == "count\n0\n"


@pytest.mark.parametrize(
    ("query", "status", "stderr"),
    [
        ("SELECT * FROM nix", 1, 'relation "nix" does not exist.\nLINE 1: SELECT * FROM nix\n                      ^'),
        (
            "SELECT 1,\n\tdate FROM protime.clocking",
            1,
            'relation "protime.clocking" does not exist.\nLINE 2:  date FROM protime.clocking\n                   ^',
        ),
        ("SELEKT 1", 1, 'syntax error at or near "SELEKT".\nLINE 1: SELEKT 1\n        ^'),
        (
            "SELECT dat FROM protime.clockings",
            1,
            'column "dat" does not exist.\nLINE 1: SELECT dat FROM protime.clockings\n               ^\n'
            'HINT:  Perhaps you meant to reference the column "clockings.date".',
        ),
        ("SELECT 1 / 0", 1, "division by zero."),
        (
            "SELECT 1; SELECT 2",
            2,
            "There are several statements. Pass one, or let psql run them: protime-etl sql < FILE",
        ),
        ("\\d", 2, "\\d is a psql command, not a query. Open psql for it: protime-etl sql"),
        ("  -- only a comment\n", 2, "The query is empty. Pass one: protime-etl sql 'SELECT ...'"),
        (
            "COPY protime.people TO STDOUT",
            2,
            "COPY from or to this program is not possible here. For rows in a file: protime-etl sql --csv 'SELECT ...'."
            " In psql there is \\copy.",
        ),
    ],
)
def test_a_mistake_is_reported_as_postgresql_reports_it(shell: Shell, query: str, status: int, stderr: str) -> None:
    result = shell("sql", query)
    assert result.stderr == f"error: {stderr}\n"
    assert (result.returncode, result.stdout) == (status, "")


def test_without_the_schema_a_missing_table_says_so(shell: Shell, empty_database: URL) -> None:
    result = shell("sql", "TABLE protime.people", database_url=empty_database.render_as_string(hide_password=False))
    first, *_ = result.stderr.splitlines()
    assert first.endswith(
        '"protime.people" does not exist. This database has no protime-etl schema. Run: protime-etl db upgrade'
    )


def test_a_query_may_begin_with_a_comment(shell: Shell) -> None:
    assert shell("sql", "-- who\nSELECT 1 AS n;").stdout == "n\n1\n"
    assert shell("sql", "--who = all\nSELECT 1 AS n").stdout == "n\n1\n"


def test_days_are_those_of_the_tenant(shell: Shell, acme: Engine) -> None:
    execute(acme.url, "UPDATE protime_etl.tenants SET timezone = 'Pacific/Kiritimati' WHERE tenant <> 'shadow'")
    result = shell("sql", "SELECT current_setting('timezone') AS zone, '2026-01-01 12:00+00'::timestamptz AS t")
    assert result.stdout == "zone\tt\nPacific/Kiritimati\t2026-01-02 02:00:00+14\n"


@pytest.mark.long
def test_a_terminal_without_unicode_shows_escapes(shell: Shell) -> None:
    shell.environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    result = shell("sql", "SELECT 'Łukasz é' AS name")
    assert (result.returncode, result.stdout) == (0, "name\n\\u0141ukasz \\xe9\n")
    _, shown = shell.terminal(80, "sql", "SELECT 'Łukasz é' AS name")
    assert "\\u0141ukasz \\xe9" in shown


def test_on_a_terminal_a_row_is_a_line_and_nothing_moves_the_cursor(shell: Shell) -> None:
    query = (
        "SELECT date '2026-11-25' AS date, 'Person' AS last_name, timestamp '2026-11-25 07:53:00.5' AS first_in,"
        " 484 AS present_minutes, e'\\x1b]0;owned\\x07\\u202e' AS name"
    )
    status, shown = shell.terminal(100, "sql", query)
    assert (status, shown) == (
        0,
        "date        last_name  first_in               present_minutes  name\n"
        "2026-11-25  Person     2026-11-25 07:53:00.5              484  \\x1b]0;owned\\x07\\u202e\n"
        "(1 row)\n",
    )
    _, narrow = shell.terminal(60, "sql", query)
    assert narrow.splitlines() == [
        "-- 1 --",
        "date             2026-11-25",
        "last_name        Person",
        "first_in         2026-11-25 07:53:00.5",
        "present_minutes  484",
        "name             \\x1b]0;owned\\x07\\u202e",
        "(1 row)",
    ]
