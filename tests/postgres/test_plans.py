"""No plan by luck: whatever PostgreSQL knows of the table, no statement joins two large sides row by row.

Each statement that touches clockings is explained while a pull, a poll of a delta, a comparison and a look at the state
really run it, with its own values: with no statistics, with those of an empty table, with those of a thousand rows of a
table of far more, and with those that another tenant's rows have given. None of the work may analyse these tables: it
runs as a role that does not own them.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

import protime_etl
from protime_etl.cli.status import print_status
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.postgres.health.other_forms import SHOWN
from protime_etl.postgres.load import held_rows
from protime_etl.postgres.server.statements import sql_folder, statements, text
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.plan.request import select
from protime_etl.sync.pull.backfill import backfill
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verify import verify
from tests.postgres.explaining import Explained, explaining
from tests.support.databases import both_in_long_form, execute
from tests.support.long_form import in_long_form
from tests.support.tenant import TODAY, settings_for

FIRST = TODAY - dt.timedelta(days=20)
pytestmark = pytest.mark.tenant(people=10, first_day=FIRST, page_size=500)
TABLES = ("protime.clockings", "protime.clocking_versions", "protime_etl.coverage", "protime_etl.tombstones")
PLAIN_ROLE = "reader_of_tenants"
# What reads the whole table by its nature: counts, the newest version, what an initial load never met, views without
# a condition.
OF_EVERYTHING = re.compile(
    r"coalesce\(max\(change_version\)|SELECT count\(\*\) FROM protime\.clockings|protime_etl\.delta_seen AS s"
    r"|DISTINCT person_id FROM protime\.clockings|daily_presence|clockings_local|clockings_as_of|SELECT \(EXISTS"
)
# Met only where two processes read the same at the same time, and where an initial load compares many rows.
# The last one is of collections whose records reach over days, which clockings do not.
RARE = re.compile(r"u\.first AND u\.last|LIMIT \{\} \) AS live|until_date - from_date")
# Makes a table of the same shape, or asks for an estimate, and reads no row.
OF_NO_ROW = re.compile(r"WITH NO DATA|^EXPLAIN")
OF_CLOCKINGS = re.compile(r"protime\.clocking|protime\.\{|staging_clockings|\{target\}")
FILL = """
INSERT INTO protime.clockings (tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version, is_open)
SELECT '{tenant}', n, 1 + n % 5000, date '{last}' - CAST(n % 1000 AS integer), 480, 'InOut', to_hex(n), NULL
FROM generate_series({first}, {last_id}) AS n
"""


@pytest.fixture
def rows(amount: Callable[[int, int], int]) -> int:
    return amount(50_000, 1_000_000)


def fill(warehouse: URL, first: int, last: int, tenant: str = "simulated") -> None:
    execute(warehouse, FILL.format(tenant=tenant, first=first, last_id=last, last=FIRST - dt.timedelta(days=1500)))


@pytest.fixture(params=["none", *in_long_form(["empty", "a thousand rows", "another tenant"])])
def known(request: pytest.FixtureRequest, warehouse: URL, rows: int) -> URL:
    """A warehouse with many rows of which PostgreSQL knows only so much; reached as a role that owns nothing."""
    for table in TABLES:
        execute(warehouse, f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    if request.param in ("a thousand rows", "another tenant"):
        fill(warehouse, 1, 1000, "simulated" if request.param == "a thousand rows" else "other")
    if request.param != "none":
        for table in TABLES:
            execute(warehouse, f"ANALYZE {table}")
    fill(warehouse, 1001, rows)
    execute(
        warehouse,
        f"DO $$ BEGIN CREATE ROLE {PLAIN_ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    )
    for schema in ("protime", "protime_etl"):
        execute(warehouse, f"GRANT USAGE ON SCHEMA {schema} TO {PLAIN_ROLE}")
        execute(warehouse, f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {PLAIN_ROLE}")
        execute(warehouse, f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {PLAIN_ROLE}")
    return warehouse.set(username=PLAIN_ROLE)


def work(simulated: SimulatedTenant, url: URL) -> None:
    """Everything that reads or writes clockings, twice, with changes in between."""
    tenant = simulated.tenant
    with open_pipeline(settings_for(simulated, max_vanished=100_000), url) as pipeline:
        sync(pipeline, FIRST, TODAY)
        poll(pipeline, CLOCKINGS, FIRST)
        for number, one in enumerate([one for one in tenant.truth() if one.status != "Deleted"][:60]):
            (tenant.hard_delete if number % 2 else tenant.soft_delete)(one.id)
        sync(pipeline, FIRST, TODAY, workers=2)
        for number, one in enumerate([one for one in tenant.truth() if one.status != "Deleted"][:60]):
            if number % 2:
                tenant.hard_delete(one.id)
            else:
                tenant.edit(one.id, time_of_day_in_minutes=1)
        poll(pipeline, CLOCKINGS)
        poll(pipeline, CLOCKINGS, restart=True)
        selection = select(pipeline, FIRST, TODAY)
        backfill(pipeline, selection, fresh=True)
        verify(pipeline, CLOCKINGS, FIRST, TODAY)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(held_rows, "MOST_HELD", -1)
            verify(pipeline, CLOCKINGS, FIRST, TODAY)
        prove(pipeline, requests=5)
        tenant.restore(tenant.backup(), lower=1_000_000)
        for pipeline.accepts_older in (False, True):
            sync(pipeline, FIRST, TODAY)
            poll(pipeline, CLOCKINGS, restart=True)
        for one in [one for one in tenant.truth() if one.status != "Deleted"][:3]:
            tenant.hard_delete(one.id)
        _hold_deletions_back(simulated, url)
        with pipeline.engine.connect() as connection:
            connection.execute(text("impossible_times"), {"run_id": 1, "most": 20})
            connection.execute(sa.text(SHOWN.format(table="clockings")))
            for query in sorted(sql_folder().glob("queries/*.sql")):
                connection.execute(sa.text(query.read_text().replace(":", "\\:")))
    print_status(url, collections=list(COLLECTIONS), as_json=False)


def _hold_deletions_back(simulated: SimulatedTenant, url: URL) -> None:
    for _ in range(2):  # the second one remembers the first
        with open_pipeline(settings_for(simulated, max_vanished=1), url) as pipeline:
            sync(pipeline, FIRST, TODAY)


@both_in_long_form
def test_no_statement_depends_on_statistics(simulated: SimulatedTenant, known: URL) -> None:
    with explaining() as found:
        work(simulated, known)
    found = [one for one in found if not one.statement.startswith("--")]  # queries of users
    loops = {one.statement: one.nested_loops_over_large_sides() for one in found}
    assert {statement: plans for statement, plans in loops.items() if plans} == {}
    scans = {one.statement: one.read_whole() for one in found if not OF_EVERYTHING.search(one.statement)}
    assert {statement: plans for statement, plans in scans.items() if plans} == {}
    missed = statements_of_the_source() - covered(found)
    assert {one for one in missed if not (RARE.search(one) or OF_NO_ROW.search(one))} == set()


def statements_of_the_source() -> set[str]:
    """The statements of the package that name a table of clockings, as patterns of their fixed parts."""
    found = set()
    package = Path(protime_etl.__file__).parent
    for folder in ("postgres", "sync", "cli", "airflow"):
        for path in sorted((package / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                text = text_of(node) or ""
                if OF_CLOCKINGS.search(text) and re.search(r"\b(SELECT|UPDATE|DELETE|INSERT)\b", text):
                    found.add(pattern_of(text))
    for text in statements().values():
        if OF_CLOCKINGS.search(text) and re.search(r"\b(SELECT|UPDATE|DELETE|INSERT)\b", text):
            found.add(pattern_of(text))
    return found


def text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{x}" for one in node.values)
    return None


def pattern_of(text: str) -> str:
    text = re.sub(r"(?<!:):(\w+)", "{x}", re.sub(r"%\(\w+\)s", "{x}", text).replace("{{", "(").replace("}}", ")"))
    return " ".join(re.sub(r"\{\w*\}", " {} ", text).split())


def covered(found: list[Explained]) -> set[str]:
    texts = [" ".join(one.statement.split()) for one in found]
    return {
        pattern
        for pattern in statements_of_the_source()
        if any(re.search(".*?".join(map(re.escape, re.split(r" ?\{\} ?", pattern))), text) for text in texts)
    }
