"""Airflow's button `Test` and its API: the stored client secret goes to no host but the stored one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import airflow
import pytest
from packaging.version import Version

from protime_etl.airflow.connections import connections
from protime_etl.postgres.server.address import parse_url
from protime_etl.simulator.server import SimulatedTenant
from tests.airflow.bare import run_python
from tests.support.scripted_server import ScriptedServer
from tests.support.tenant import settings_for

pytestmark = pytest.mark.airflow
# Each answer by the name of its question, as a user of the role Op asks it; `stored` is what the connection holds.
ASK = """
import json, os
from airflow.utils.db import initdb
initdb()
from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.configuration import conf
from starlette.testclient import TestClient
client = TestClient(create_app("core"))
token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="otto", role="OP", teams=[]))
client.headers["Authorization"] = f"Bearer {token}"
found = {}
for name, (stored, asked) in json.loads(os.environ["ASKED"]).items():
    os.environ["AIRFLOW_CONN_PROTIME_DEFAULT"] = json.dumps(stored)
    body = {"connection_id": "protime_default", "conn_type": "protime", "login": stored["login"], **asked}
    answer = client.post("/api/v2/connections/test", json=body)
    found[name] = [answer.status_code, answer.json()]
print(json.dumps(found))
"""


@pytest.mark.long
def test_the_stored_secret_goes_to_no_host_that_another_user_names(tmp_path: Path, simulated: SimulatedTenant) -> None:
    made = connections(settings_for(simulated), parse_url("postgresql://db.example/warehouse"))["protime_default"]
    extra = json.loads(made["extra"])
    hosts, port = made["host"], made["port"]
    hostless = {**made, "host": ""}
    own = {"host": hosts, "port": port, "extra": made["extra"]}
    with ScriptedServer([]) as listener:
        elsewhere = urlsplit(listener.url).netloc
        redirected = json.dumps({**extra, "auth_url": listener.url})
        unencrypted = {**extra, "auth_url": f"http://tenant.{elsewhere}", "allow_http": True}
        asked = {
            "as stored": (made, own),
            "another URL": (made, {**own, "extra": redirected}),
            "another URL, of a connection without hosts": (hostless, {**own, "host": "", "extra": redirected}),
            "no host": (made, {"port": port, "extra": redirected}),
            "unencrypted": (
                {**made, "host": f"tenant.{elsewhere}"},
                {"extra": json.dumps({**unencrypted, "api_url": ""})},
            ),
        }
        if guarded := Version(airflow.__version__) >= Version("3.3.2"):
            asked["another host, too"] = made, {**own, "host": elsewhere, "extra": redirected}
        found = run_python(
            ASK, tmp_path, ASKED=json.dumps(asked), AIRFLOW__CORE__TEST_CONNECTION="Enabled", no_proxy="*"
        )
        received = listener.received
    assert received == [], f"the listener was sent {received[0].body}"
    status, answer = found.pop("as stored")
    assert (status, answer["status"]) == (200, True), answer
    assert not guarded or found.pop("another host, too")[0] == 400, "Airflow's own guard"
    unencrypted_answer = found.pop("unencrypted")[1]
    assert not unencrypted_answer["status"]
    assert "Test never sends the client secret unencrypted" in unencrypted_answer["message"]
    for name, (status, answer) in found.items():
        assert (status, answer["status"]) == (200, False), name
        assert re.search(r"URL points to 127\.0\.0\.1:\d+, which is not among Hosts\.", answer["message"]), name
