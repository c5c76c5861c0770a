"""The page in Airflow's user interface, by the application that Airflow serves: who sees what, and of what."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.airflow.page.reading import read_tenants
from protime_etl.errors import DatabaseError
from protime_etl.postgres.book.wrong import Wrong, enter_wrong
from protime_etl.postgres.health.facts import read_facts
from protime_etl.postgres.health.verdict import judge
from protime_etl.postgres.server.connection import create_engine
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.work import DagRun, Slice
from tests.airflow.bare import run_python
from tests.airflow.test_operators import FIRST
from tests.support.databases import execute
from tests.support.shadow import SHADOW
from tests.support.tenant import TODAY, present_day

pytestmark = pytest.mark.airflow
HOSTILE = "<script>alert(1)</script>"
STARTED = "tenant, kind, started_by, dag_id, dag_run_id"


def by_hand(tenant: str, kind: str) -> str:
    """Values of STARTED, of a run of the command line."""
    return f"'{tenant}', '{kind}', 'cli', NULL, NULL"


def by_airflow(tenant: str, dag_id: str, dag_run_id: str, kind: str = "nightly") -> str:
    """The same of a run of Airflow."""
    return f"'{tenant}', '{kind}', 'airflow', '{dag_id}', '{dag_run_id}'"


def by_night(tenant: str, dags: str = "") -> str:
    """The same of a night of our DAGs."""
    return by_airflow(tenant, f"{dags or tenant}_clockings_nightly", "scheduled__2026-03-20")


# Of one set-up of Airflow, which takes its time: each answer by the name of its question.
ASK = """
import datetime as dt, json, os
from airflow.utils.db import initdb
initdb()
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.team import Team
from airflow.utils.session import create_session
with create_session() as session:
    of_b = DagBundleModel(name="of_b")
    of_b.teams.append(Team(name="b"))
    session.add_all([DagBundleModel(name="here"), of_b])
    session.flush()
    for name in ("protime", "beta", "broken"):
        for kind in ("nightly", "backfill"):
            session.add(DagModel(
                dag_id=f"{name}_clockings_{kind}", bundle_name="of_b" if name == "beta" else "here",
                is_paused=(name, kind) != ("protime", "nightly"),
                next_dagrun_create_after=dt.datetime(2026, 3, 21, 3, 30, tzinfo=dt.UTC),
            ))
from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from starlette.testclient import TestClient
client = TestClient(create_app("all"), base_url="http://testserver/team/af")
def headers(name, role):
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role, teams=[]))
    return {"Authorization": f"Bearer {token}"}
def asked(path, who=None, method="GET"):
    answer = client.request(method, path, headers=headers(*who) if who else {}, follow_redirects=False)
    sent = {name.lower(): value for name, value in answer.headers.items()}
    return {"status": answer.status_code, "text": answer.text, "headers": sent}
ADMIN, VIEWER = ("ada", "ADMIN"), ("vera", "VIEWER")
found = {
    "no user": asked("protime/"),
    "no user's style": asked("protime/page.css"),
    "docs": asked("protime/docs", ADMIN),
    "admin": asked("protime/", ADMIN),
    "viewer": asked("protime/", VIEWER),
    "viewer who names a DAG": asked("protime/?dag_id=beta_clockings_nightly", VIEWER),
    "deep": asked("protime/a/b", ADMIN),
    "post": asked("protime/", ADMIN, "POST"),
    "stranger": asked("protime/", ("stranger", "VIEWER")),
    "style": asked("protime/page.css", VIEWER),
    "script": asked("protime/page.js", VIEWER),
    "slash": asked("protime/page.css/", ADMIN),
    "other file": asked("protime/app.py", ADMIN),
    "year": asked("protime/?until=2025-01-31", ADMIN),
    "no day": asked("protime/?until=yesterday", ADMIN),
    "far away": asked("protime/?until=0001-01-01", ADMIN),
    "to come": asked("protime/?until=9999-12-31", ADMIN),
    "plugins": asked("api/v2/plugins", ADMIN),
}
import protime_etl.airflow.page.app as page
page.ALL_SECONDS = 0.001
found["late"] = asked("protime/", ADMIN)
page.ALL_SECONDS = 20
page.MOST_TENANTS = 1
found["one of many"] = asked("protime/?until=2025-02-01", ADMIN)
found["another of many"] = asked("protime/?tenant=lone", ADMIN)
found["another's"] = asked("protime/?tenant=simulated", VIEWER)
page.MOST_TENANTS = 25
read, page.read_tenants = page.read_tenants, None
found["stranger, with no question to the warehouse"] = asked("protime/?until=2025-02-02", ("stranger", "VIEWER"))
found["fault"] = asked("protime/?until=2025-02-02", ADMIN)
page.read_tenants = read
here = json.loads(os.environ.pop("AIRFLOW_CONN_PROTIME_WAREHOUSE"))
found["no connection"] = asked("protime/", ADMIN)
for name, change in {
    "away": {"host": "127.0.0.1", "port": 9, "password": "secret of no user"}, "empty": {"schema": "postgres"}
}.items():
    os.environ["AIRFLOW_CONN_PROTIME_WAREHOUSE"] = json.dumps({**here, **change})
    found[name] = asked("protime/", ADMIN)
    found[f"{name} for a viewer"] = asked("protime/", VIEWER)
print(json.dumps(found))
"""


@pytest.fixture
def four_tenants(pipeline: Pipeline, warehouse: URL) -> None:
    """The simulated tenant, read by Airflow with all that can be shown, and others of other DAGs and of none."""
    pipeline.dag_run = DagRun("protime_clockings_nightly", "scheduled__2026-03-20")
    sync(pipeline, FIRST, TODAY)
    execute(warehouse, "UPDATE protime_etl.runs SET kind = 'nightly' WHERE tenant = 'simulated'")
    night = f"'{FIRST}', '{TODAY}', 'failed', '{HOSTILE}', '{{clockings}}', false"
    statements = [
        "INSERT INTO protime_etl.pauses (tenant, until, asked_until)"
        " VALUES ('simulated', now() + interval '1 hour', now() + interval '1 hour')",
        "INSERT INTO protime_etl.deltas (tenant, collection, status, date_from, started_at, requested_at)"
        f" VALUES ('simulated', 'clockings', 'active', '{FIRST}', now(), now() - interval '30 hours')",
        "INSERT INTO protime_etl.wrong (tenant, collection, people, dates, since, kind, why)"
        f" SELECT tenant, 'clockings', '{{[100001,100002)}}', '{{[{FIRST},{FIRST}]}}', now(), 'failed', 'status 500'"
        " FROM unnest('{simulated,beta}'::text[]) AS tenant",
    ]
    for tenant, started in {
        "beta": by_night("beta"),
        "lone": by_hand("lone", "sync"),
        "broken": by_night("broken"),
    }.items():
        columns = f"{STARTED}, date_from, date_to, status, error, collections, only_missing"
        statements += [
            f"INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('{tenant}', 'Europe/Paris')",
            f"INSERT INTO protime_etl.runs ({columns}) VALUES ({started}, {night})",
            "INSERT INTO protime_etl.promises (tenant, collection, by_people, dates, follows_from) SELECT"
            f" '{tenant}', collection, true, '{{}}', now() FROM unnest('{{clockings,absences}}'::text[]) AS collection",
        ]
    for run in (("elsewhere", "../../../../auth/logout"), ("..", ".."), (".", "scheduled__1")):
        statements.append(f"INSERT INTO protime_etl.runs ({columns}) VALUES ({by_airflow('beta', *run)}, {night})")
    for statement in statements:
        execute(warehouse, statement)


def sections(text: str) -> set[str]:
    return set(re.findall(r'<section id="(\w+)"', text))


@pytest.mark.usefixtures("four_tenants", "connections")
def test_who_sees_what(tmp_path: Path) -> None:
    found: dict[str, Any] = run_python(
        ASK,
        tmp_path,
        AIRFLOW__API__BASE_URL="http://testserver/team/af",
        AIRFLOW__CORE__AUTH_MANAGER="tests.airflow.strict_auth_manager.StrictAuthManager",
        # As some have it: plugins are loaded before the API server is there.
        AIRFLOW__CORE__LAZY_LOAD_PLUGINS="False",
        PYTHONPATH=str(Path(__file__).parents[2]),
    )
    texts = {name: answer["text"] for name, answer in found.items()}
    statuses = {name: answer["status"] for name, answer in found.items()}
    expected = {
        **dict.fromkeys(("no user", "no user's style"), 401),
        **dict.fromkeys(("docs", "other file", "deep", "slash"), 404),
        "post": 405,
        "viewer who names a DAG": 200,
        **dict.fromkeys(("admin", "viewer", "style", "script", "year", "far away", "to come", "plugins"), 200),
        **dict.fromkeys(("stranger", "stranger, with no question to the warehouse", "another's"), 403),
        **dict.fromkeys(("one of many", "another of many"), 200),
        "fault": 500,
        "no day": 422,
        **dict.fromkeys(("no connection", "late", "away", "empty", "away for a viewer", "empty for a viewer"), 503),
    }
    assert statuses == expected, texts
    # Each sees the tenants whose DAGs they may see; who may see the connection, also those of no DAG.
    assert sections(texts["admin"]) == {"simulated", "beta", "lone", "broken", SHADOW}
    assert sections(texts["viewer"]) == {"beta"}
    assert sections(texts["viewer who names a DAG"]) == {"beta"}
    assert "simulated" not in texts["viewer"]
    assert sections(texts["one of many"]) == {"beta"}
    assert set(re.findall(r'\?tenant=(\w+)"', texts["one of many"])) == {"simulated", "lone", "broken", SHADOW}
    assert sections(texts["another of many"]) == {"lone"}
    # A link leads into the run of a DAG, whatever its name, and nowhere else.
    paths = re.findall(r'data-path="([^"]+)"', texts["admin"])
    assert "/dags/elsewhere/runs/..%2F..%2F..%2F..%2Fauth%2Flogout" in paths
    assert not [path for path in paths if len(path.split("/")) != 5 or {".", ".."}.intersection(path.split("/"))]
    # Who may start a run of the backfill may fill.
    for name in ("protime", "beta"):
        assert f'data-dag="{name}_clockings_backfill"' in texts["admin"]
    assert "data-dag" not in texts["viewer"]
    # What comes from elsewhere is text, and nothing from elsewhere could run, whatever the answer.
    assert HOSTILE not in texts["admin"]
    assert "&lt;script&gt;alert(1)" in texts["admin"]
    assert not re.search(r"\sstyle=|\son[a-z]+=", texts["admin"])
    for name, answer in found.items():
        if name != "plugins":
            policy = answer["headers"]["content-security-policy"]
            assert "default-src 'none'" in policy, name
            assert "unsafe" not in policy
            cached = answer["headers"]["cache-control"]
            assert cached == ("private, max-age=3600" if name in ("style", "script") else "no-store"), name
    # All that needs attention, as the other faces show it.
    (simulated,) = re.findall(r'<section id="simulated".*?</section>', texts["admin"], re.DOTALL)
    for text in (
        "the delta of clockings was last polled 30 hours ago and expires after 72",
        f"clockings not read: person 100001, {FIRST}",
        "status 500",
        "The API asked us to wait",
        "20 people, ",
        "Next: 2026-03-21 04:30.",
        "Unpause and fill",
        "active, ends in 42 h",
        "Changes of clockings",
        "/dags/protime_clockings_nightly/runs/scheduled__",
    ):
        assert text in html.unescape(simulated), text
    assert len(re.findall("<button", simulated)) == 1, "one cause is one button"
    assert "{100001" not in simulated
    assert not re.search(r"<b>0</b>", simulated), "what is zero is in one line"
    assert "None: " in simulated
    (beta,) = re.findall(r'<section id="beta".*?</section>', texts["admin"], re.DOTALL)
    assert "Next: none, the DAG is paused." in beta
    # Nothing of another tenant: its rows are of the same people, collections and days.
    assert not re.search(rf"{SHADOW}|\b90000000\d\d\b", simulated)
    # The view stands below the path at which Airflow is served.
    (plugin,) = (one for one in json.loads(texts["plugins"])["plugins"] if one["name"] == "protime")
    assert [view["href"] for view in plugin["external_views"]] == ["/team/af/protime/"]
    assert 'data-base="/team/af"' in texts["admin"]
    # The warehouse's troubles: what and where for those who may see the connection, and a password for no one.
    assert "does not answer in time" in texts["late"]
    assert "protime_warehouse" in texts["no connection"]
    assert "127.0.0.1" in texts["away"]
    assert "PROTIME_DATABASE_URL" not in texts["away"]
    assert "secret" not in texts["away"]
    assert "protime-etl db upgrade" in texts["empty"]
    for name in ("away for a viewer", "empty for a viewer"):
        assert "The log of Airflow" in texts[name]
        assert not re.search(r"127\.0\.0\.1|upgrade|postgres", texts[name])
    # Another year, and never one to come.
    assert "to 2025-01-31" in texts["year"]
    assert f"to {present_day()}" in texts["to come"]


@pytest.mark.usefixtures("four_tenants")
def test_each_tenant_is_judged_by_what_is_read_of_it(warehouse: URL) -> None:
    columns = f"{STARTED}, date_from, date_to, status, finished_at, collections, only_missing"
    values = f"'{FIRST}', '{TODAY}', 'done', now() - interval '%s hours', '{{%s}}', false"

    def add(started: str, hours: int, paths: str) -> None:
        execute(warehouse, f"INSERT INTO protime_etl.runs ({columns}) VALUES ({started}, {values % (hours, paths)})")

    def tenants() -> dict[str, tuple[str | None, str | None, str]]:
        return {
            one.health.tenant: (one.dag_id, one.backfill, " ".join(one.health.lines)) for one in read_tenants(warehouse)
        }

    add(by_night("beta"), 1, "clockings,absences")
    add(by_hand("lone", "sync"), 900, "absences")
    add(by_hand("lone", "sync"), 1, "clockings")
    found = tenants()
    assert found["beta"][:2] == ("beta_clockings_nightly", "beta_clockings_backfill")
    assert found["lone"][:2] == (None, None)
    assert "absences" not in found["simulated"][2]
    assert found["lone"][2].startswith("lone: OK")
    # What another tenant reads and this one does not counts for that one alone.
    execute(
        warehouse, "UPDATE protime_etl.runs SET status = 'failed' WHERE tenant = 'lone' AND '{absences}' = collections"
    )
    engine = create_engine(warehouse)
    with engine.begin() as connection:
        lost = Slice((100_001,), FIRST, FIRST, "absences")
        enter_wrong(connection, "lone", Wrong("failed", "why"), [lost])
        enter_wrong(connection, "beta", Wrong("failed", "why"), [lost])
    engine.dispose()
    found = tenants()
    assert found["lone"][2].startswith("lone: OK")
    assert "absences" in found["beta"][2]
    (lone,) = (one for one in read_tenants(warehouse) if one.health.tenant == "lone")
    assert lone.facts["wrong"] == [], "nor is it shown"

    # A try by hand, a backfill, a repair: none of them is what a night reads. A name may hold any word.
    for started in (
        by_hand("beta", "backfill"),
        by_airflow("beta", "weekly_balances", "scheduled__1"),
        by_airflow("beta", "weekly repair", "scheduled__1"),
        by_airflow("beta", "beta_clockings_nightly", "manual__1"),
        by_airflow("beta", "beta_clockings_backfill", "manual__1", "backfill"),
        by_airflow("beta", "beta_clockings_nightly", "backfill__1", "backfill"),
        by_airflow("beta", "beta_clockings_nightly", "scheduled__2026-03-20", "repair"),
    ):
        add(started, 0, "balances")
    add(by_night("lone", "backfill_co"), 0, "clockings")
    found = tenants()
    assert found["beta"][:2] == ("beta_clockings_nightly", "beta_clockings_backfill")
    assert "balances" not in found["beta"][2]
    assert found["lone"][:2] == ("backfill_co_clockings_nightly", "backfill_co_clockings_backfill")

    # The same DAG reads another tenant since: it would fill that one's holes.
    add(by_airflow("broken", "beta_clockings_backfill", "manual__2", "backfill"), 0, "clockings")
    found = tenants()
    assert found["beta"][:2] == ("beta_clockings_nightly", None)
    assert found["broken"][1] == "beta_clockings_backfill"

    # A user's own DAG.
    add(by_airflow("simulated", "my_own", "manual__1"), 0, "clockings")
    assert tenants()["simulated"][0] == "protime_clockings_nightly"
    execute(warehouse, "DELETE FROM protime_etl.runs WHERE tenant = 'simulated' AND dag_id IS DISTINCT FROM 'my_own'")
    assert tenants()["simulated"][:2] == ("my_own", None)


@pytest.mark.usefixtures("four_tenants")
def test_a_slow_warehouse_shows_what_it_can(warehouse: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    (simulated,) = (one for one in read_tenants(warehouse) if one.health.tenant == "simulated")
    assert simulated.calendar is not None
    execute(
        warehouse,
        "CREATE OR REPLACE VIEW protime_etl.book AS SELECT 'simulated'::text AS tenant,"
        " 'clockings'::text AS collection, n AS person_id, '{}'::datemultirange AS due, '{}'::datemultirange AS read,"
        " '{}'::datemultirange AS proven, '{}'::datemultirange AS at_work, '{}'::datemultirange AS unproven,"
        " '{}'::datemultirange AS due_ahead, '{}'::datemultirange AS read_ahead"
        " FROM generate_series(1::bigint, 9) AS n WHERE pg_sleep(1)::text = ''",
    )
    monkeypatch.setattr("protime_etl.airflow.page.reading.SECONDS", 3.0)
    (simulated,) = (one for one in read_tenants(warehouse) if one.health.tenant == "simulated")
    assert simulated.calendar is None
    assert "the warehouse took too long to answer: book;" in " ".join(simulated.health.lines)
    assert "proof_age_days" not in simulated.health.figures
    assert simulated.facts["runs"]


def test_what_is_not_known_is_neither_good_nor_bad(pipeline: Pipeline, engine: Engine) -> None:
    sync(pipeline, FIRST, TODAY)
    with engine.connect() as connection:
        facts = read_facts(connection, ["clockings"], within=0)
        assert not any(rows for name, rows in facts.items() if name != "too_slow")
        health = judge("simulated", facts, ["clockings"])
        assert (health.ok, health.problems, health.figures) == (False, [], {})
        assert health.headline == "simulated: NOT KNOWN - the warehouse takes too long to answer"
        assert judge("simulated", read_facts(connection, ["clockings"], within=60), ["clockings"]).ok


def test_a_badge_says_ok_only_above_days_that_are_complete(pipeline: Pipeline, warehouse: URL) -> None:
    today = present_day()
    sync(pipeline, today - dt.timedelta(30), today - dt.timedelta(20))
    sync(pipeline, today - dt.timedelta(10), today)
    (seen,) = (one for one in read_tenants(warehouse) if one.health.tenant == "simulated")
    assert seen.calendar is not None
    assert (seen.calendar.days_missing, seen.verdict) == (0, ("ok", "OK")), "what was not asked for is not missing"
    execute(
        warehouse,
        f"UPDATE protime_etl.promises SET follows_from = '{today - dt.timedelta(30)}'"
        " WHERE (tenant, collection) = ('simulated', 'clockings')",
    )
    (seen,) = (one for one in read_tenants(warehouse) if one.health.tenant == "simulated")
    assert seen.calendar is not None
    assert seen.calendar.days_missing == 9
    assert seen.verdict[0] == "error"
    sync(pipeline, today - dt.timedelta(20), today)
    (seen,) = (one for one in read_tenants(warehouse) if one.health.tenant == "simulated")
    assert seen.verdict == ("ok", "OK")
    assert (seen.night, seen.failed_run) == (None, None)


def test_nothing_can_be_written(warehouse: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.airflow.page.reading.TENANTS", "DELETE FROM protime_etl.tenants RETURNING tenant")
    with pytest.raises(DatabaseError, match="lets this user read only"):
        read_tenants(warehouse)


def test_a_task_that_loads_the_plugins_does_not_load_the_page(tmp_path: Path) -> None:
    script = """
import json, sys
from airflow.sdk.execution_time import task_runner
from airflow.plugins_manager import get_plugin_info
names = [plugin["name"] for plugin in get_plugin_info(["name"])]
print(json.dumps([names.count("protime"), "protime_etl.airflow.page.app" in sys.modules]))
"""
    assert run_python(script, tmp_path, AIRFLOW__CORE__LAZY_LOAD_PLUGINS="False") == [1, False]
