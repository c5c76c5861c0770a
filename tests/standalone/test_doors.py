"""Who gets into the Airflow of `make up`: no foreign name of this machine, and no user without the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from protime_etl.standalone.environment import airflow_environment
from tests.airflow.bare import run_python

pytestmark = pytest.mark.airflow
ASK = """
import json
from airflow.utils.db import initdb
initdb()
from airflow.api_fastapi.app import create_app
from starlette.testclient import TestClient
app = create_app("all")
def asked(host, path, method="GET", **body):
    client = TestClient(app, base_url=f"http://{host}:8080")
    return client.request(method, path, follow_redirects=False, json=body or None).status_code
paths = "/", "/auth/token", "/api/v2/monitor/health", "/protime/", "/execution/health"
print(json.dumps({
    "foreign": [asked("rebound.example", path) for path in paths],
    "own": [asked(host, "/api/v2/monitor/health") for host in ("127.0.0.1", "localhost")],
    "no login": [asked("127.0.0.1", path) for path in ("/auth/token", "/auth/token/login", "/api/v2/connections")],
    "wrong": asked("127.0.0.1", "/auth/token", "POST", username="admin", password="admin"),
    "right": asked("127.0.0.1", "/auth/token", "POST", username="admin", password="of this start"),
}))
"""


@pytest.mark.long
def test_a_foreign_name_and_a_user_without_the_password_get_nothing(tmp_path: Path) -> None:
    home = tmp_path / "airflow"
    home.mkdir()
    environment = airflow_environment(home, f"sqlite:///{home}/airflow.db", "UTC", 8080, "of this start")
    del environment["PATH"], environment["AIRFLOW_HOME"]
    found = run_python(ASK, home, **environment)
    assert found["foreign"] == [400] * 5
    assert found["own"] == [200, 200]
    assert found["no login"] == [403, 403, 401]
    assert (found["wrong"], found["right"]) == (401, 201)
    assert (home / "passwords.json").stat().st_mode & 0o077 == 0
