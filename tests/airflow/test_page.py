"""The page in Airflow's user interface, by the application that Airflow serves: who sees what, and of what."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from protime_etl.airflow.page.calendar import calendar_of
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.runs import sync
from tests.airflow.test_operators import FIRST
from tests.airflow.test_provider import run_python
from tests.databases import execute
from tests.tenant import TODAY

pytestmark = pytest.mark.airflow
HOSTILE = "<script>alert(1)</script>"
NIGHT = "airflow {}_clockings_nightly scheduled__2026-03-20"
# Of one set-up of Airflow, which takes its time: each answer by the name of its question.
ASK = """
import json, os
from airflow.utils.db import initdb
initdb()
from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from starlette.testclient import TestClient
client = TestClient(create_app("all"), base_url="http://testserver/team/af")
def headers(name, role):
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role, teams=[]))
    return {"Authorization": f"Bearer {token}"}
def asked(path, who=None):
    answer = client.get(path, headers=headers(*who) if who else {}, follow_redirects=False)
    sent = {name.lower(): value for name, value in answer.headers.items()}
    return {"status": answer.status_code, "text": answer.text, "headers": sent}
ADMIN, VIEWER = ("ada", "ADMIN"), ("vera", "VIEWER")
found = {
    "nobody": asked("protime/"),
    "nobody's style": asked("protime/page.css"),
    "docs": asked("protime/docs", ADMIN),
    "admin": asked("protime/", ADMIN),
    "viewer": asked("protime/", VIEWER),
    "stranger": asked("protime/", ("stranger", "VIEWER")),
    "style": asked("protime/page.css", VIEWER),
    "script": asked("protime/page.js", VIEWER),
    "other file": asked("protime/app.py", ADMIN),
    "year": asked("protime/?until=2025-01-31", ADMIN),
    "no day": asked("protime/?until=yesterday", ADMIN),
    "far away": asked("protime/?until=0001-01-01", ADMIN),
    "plugins": asked("api/v2/plugins", ADMIN),
}
here = json.loads(os.environ.pop("AIRFLOW_CONN_PROTIME_WAREHOUSE"))
found["no connection"] = asked("protime/", ADMIN)
for name, change in {
    "away": {"host": "127.0.0.1", "port": 9, "password": "secret of nobody"}, "empty": {"schema": "postgres"}
}.items():
    os.environ["AIRFLOW_CONN_PROTIME_WAREHOUSE"] = json.dumps({**here, **change})
    found[name] = asked("protime/", ADMIN)
print(json.dumps(found))
"""


@pytest.fixture
def two_tenants(pipeline: Pipeline, warehouse: URL) -> None:
    """The simulated tenant, read by Airflow, and a second one of another DAG, whose last run failed."""
    sync(pipeline, NIGHT.format("protime"), FIRST, TODAY)
    execute(warehouse, "INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('beta', 'Europe/Paris')")
    night = f"'beta', '{NIGHT.format('beta')}', '{FIRST}', '{TODAY}', 'failed', '{HOSTILE}', '{{clockings}}', false"
    columns = "tenant, origin, date_from, date_to, status, error, collections, only_missing"
    execute(warehouse, f"INSERT INTO protime_etl.runs ({columns}) VALUES ({night})")


@pytest.mark.usefixtures("two_tenants", "connections")
def test_who_sees_what(tmp_path: Path) -> None:
    found: dict[str, Any] = run_python(
        ASK,
        tmp_path,
        AIRFLOW__API__BASE_URL="http://testserver/team/af",
        AIRFLOW__CORE__AUTH_MANAGER="tests.airflow.strict_auth_manager.StrictAuthManager",
        PYTHONPATH=str(Path(__file__).parents[2]),
    )
    told = {name: answer["text"] for name, answer in found.items()}
    statuses = {name: answer["status"] for name, answer in found.items()}
    assert statuses == {
        "nobody": 401,
        "nobody's style": 401,
        "docs": 404,
        "admin": 200,
        "viewer": 200,
        "stranger": 403,
        "style": 200,
        "script": 200,
        "other file": 404,
        "year": 200,
        "no day": 422,
        "far away": 422,
        "plugins": 200,
        "no connection": 503,
        "away": 503,
        "empty": 503,
    }, told
    # Each sees the tenants whose DAGs they may see.
    assert [name in told["admin"] for name in ('id="simulated"', 'id="beta"')] == [True, True]
    assert [name in told["viewer"] for name in ('id="simulated"', 'id="beta"')] == [False, True]
    assert "simulated" not in told["viewer"]
    # What comes from elsewhere is text, and nothing from elsewhere could run.
    assert HOSTILE not in told["admin"]
    assert "&lt;script&gt;alert(1)" in told["admin"]
    policy = found["admin"]["headers"]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=|\son[a-z]+=", told["admin"])
    assert found["admin"]["headers"]["cache-control"] == "no-store"
    # The view stands below the path at which Airflow is served.
    (plugin,) = (one for one in json.loads(told["plugins"])["plugins"] if one["name"] == "protime")
    assert [view["href"] for view in plugin["external_views"]] == ["/team/af/protime/"]
    assert 'data-base="/team/af"' in told["admin"]
    # The warehouse's troubles are told, with what to do and no password.
    assert "protime_warehouse" in told["no connection"]
    assert "127.0.0.1" in told["away"]
    assert "secret" not in told["away"]
    assert "protime-etl db upgrade" in told["empty"]
    assert "2025-01-31" in told["year"]
    assert 'data-dag="protime_clockings_backfill"' not in told["viewer"]


def test_a_task_that_loads_the_plugins_does_not_load_the_page(tmp_path: Path) -> None:
    script = """
import json, sys
from airflow.sdk.execution_time import task_runner
from airflow.plugins_manager import get_plugin_info
names = [plugin["name"] for plugin in get_plugin_info(["name"])]
print(json.dumps([names.count("protime"), "protime_etl.airflow.page.app" in sys.modules]))
"""
    assert run_python(script, tmp_path) == [1, False]


def test_a_year_of_days() -> None:
    today = dt.date(2026, 3, 18)  # a Wednesday
    moment = dt.datetime(2026, 3, 18, 5, tzinfo=dt.UTC)

    def day(missing: int = 0, proven: bool = False, differences: int = 0) -> dict[str, object]:
        return {
            "people_covered": 10 - missing,
            "people_missing": missing,
            "last_read": moment,
            "proven_at": moment if proven else None,
            "differences": differences,
        }

    known = {
        today: day(10),
        today - dt.timedelta(1): day(3),
        today - dt.timedelta(2): day(3),
        today - dt.timedelta(3): day(),
        today - dt.timedelta(4): day(proven=True, differences=2),
        today - dt.timedelta(400): day(),
    }
    drawn = calendar_of(known, today, today)
    assert (drawn.first.weekday(), drawn.last, len(drawn.cells)) == (0, today, 52 * 7 + 3)
    assert [cell.kind for cell in drawn.cells[-6:]] == ["none", "proven", "complete", "part", "running", "running"]
    assert drawn.counts == {"proven": 1, "complete": 1, "part": 1, "running": 2, "none": 362}
    proven = drawn.cells[-5]
    assert proven.differed
    assert proven.told == (
        "Sat 14 Mar 2026; read for 10 people; last read 2026-03-18 05:00; proven equal 2026-03-18 05:00;"
        " 2 records differed once"
    )
    assert drawn.cells[-3].told.startswith("Mon 16 Mar 2026; not read for 3 of 10 people; last read")
    # A column a week, and no square outside the picture.
    assert len({cell.x for cell in drawn.cells}) == 53
    assert max(cell.x for cell in drawn.cells) < drawn.width
    assert max(cell.y for cell in drawn.cells) < drawn.height
