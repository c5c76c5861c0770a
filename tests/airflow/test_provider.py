from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
from sqlalchemy.engine import URL

from protime_etl.airflow.provider_info import field_labels, get_provider_info
from protime_etl.config import Settings
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.standalone.environment import dags_folder
from tests.airflow.bare import run_forked, run_python

pytestmark = pytest.mark.airflow


def test_provider_info_fits_the_schema_of_airflow() -> None:
    import airflow

    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_airflow_finds_the_connection_type_with_its_form() -> None:
    found = run_forked(
        """
import json
from airflow.providers_manager import ProvidersManager
manager = ProvidersManager()
fields = [n for n in manager.connection_form_widgets if n.startswith("extra__protime__")]
print(json.dumps({
    "hook": manager.hooks["protime"].hook_class_name,
    "fields": sorted(n.removeprefix("extra__protime__") for n in fields),
    "behaviour": manager.field_behaviours["protime"]["relabeling"],
}))
"""
    )
    assert found["hook"] == "protime_etl.airflow.hook.ProtimeHook"
    assert set(found["fields"]) >= {
        "tenant", "environment", "scopes", "user_agent", "timezone", "api_url", "auth_url"
    }  # fmt: skip
    assert (found["behaviour"]["login"], found["behaviour"]["password"]) == ("Client id", "Client secret")


def test_each_dag_file_is_read_in_under_a_second_once_airflow_is_imported(tmp_path: Path) -> None:
    files = sorted(str(path) for path in dags_folder().glob("*.py"))
    assert len(files) == 3
    seconds = run_python(
        f"""
import json, runpy, time
import airflow.sdk, airflow.providers.common.sql.operators.sql
airflow.sdk.DAG
seconds = {{}}
for file in {files!r}:
    started = time.process_time()  # of the processor: what else the machine does is no fault of the file
    runpy.run_path(file)
    seconds[file] = time.process_time() - started
print(json.dumps(seconds))
""",
        tmp_path,
    )
    assert max(seconds.values()) < 1, seconds


HOOK = """
import json, os
from protime_etl.airflow import ProtimeHook
from protime_etl.errors import ProtimeError
results = []
for name in sorted(name for name in os.environ if name.startswith("AIRFLOW_CONN_")):
    hook = ProtimeHook(name.removeprefix("AIRFLOW_CONN_").lower())
    result = list(hook.test_connection())
    try:
        settings = hook.get_settings()
        result += [settings.tenant, settings.timezone, settings.agent, list(settings.scopes)]
    except ProtimeError as error:
        result.append(str(error))
    results.append(result)
print(json.dumps(results))
"""


def connection(simulated: SimulatedTenant, **changes: str) -> str:
    extra = {"tenant": "simulated", "api_url": simulated.url, "auth_url": simulated.url}
    return json.dumps(
        {
            "conn_type": "protime",
            "login": simulated.client_id,
            "password": changes.pop("password", simulated.client_secret),
            "host": urlsplit(simulated.url).netloc,
            "extra": extra | changes,
        }
    )


def test_the_hook_fills_the_settings_from_the_connection_alone(simulated: SimulatedTenant) -> None:
    given = connection(simulated, timezone="Europe/Paris", scopes="connector-protimeapi-clockings.read")
    ((ok, message, tenant, timezone, agent, scopes),) = run_forked(
        HOOK,
        AIRFLOW_CONN_PROTIME_DEFAULT=given,
        PROTIME_TENANT="another",
        PROTIME_USER_AGENT="An/other (One)",
    )
    assert ok, message
    assert "1800 seconds" in message
    assert (tenant, timezone, scopes) == ("simulated", "Europe/Paris", ["connector-protimeapi-clockings.read"])
    assert agent.startswith("protime-etl/")


def test_a_connection_that_cannot_work_says_why(simulated: SimulatedTenant) -> None:
    refused, nameless, plain = run_forked(
        HOOK,
        AIRFLOW_CONN_PROTIME_1=connection(simulated, password="wrong-and-hidden"),
        AIRFLOW_CONN_PROTIME_2=connection(simulated, tenant=""),
        AIRFLOW_CONN_PROTIME_3=connection(simulated, api_url="http://acme.example"),
    )
    assert [one[0] for one in (refused, nameless, plain)] == [False, False, False]
    assert refused[1].startswith("Connection protime_1: ")
    assert "Check Client id and Client secret" in refused[1]
    assert "wrong-and-hidden" not in refused[1]
    assert nameless[1].startswith("Connection protime_2: Tenant is not set. Edit it under Admin"), nameless[1]
    assert plain[1].startswith("Connection protime_3: API URL must use https, unless it is this machine")
    assert "PROTIME_" not in plain[1]


def test_each_setting_of_the_tenant_is_a_field_of_the_connection() -> None:
    own_side = {"home", "database_url"}
    assert set(field_labels()) == set(Settings.model_fields) - own_side


OPERATORS = """
import json
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from protime_etl.airflow import ProtimeChangesToPostgresOperator, ProtimeDeltaAgeOperator, ProtimeVerifyOperator
from types import SimpleNamespace
import datetime as dt
moment = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)
run = SimpleNamespace(dag_id="d", run_id="r", logical_date=moment, run_after=moment, run_type="manual")
context = {"dag_run": run, "outlet_events": {}}
said = []
for operator in (
    ProtimeDeltaAgeOperator(task_id="none"),
    ProtimeVerifyOperator(task_id="empty", lookback_days=13),
    ProtimeChangesToPostgresOperator(task_id="load"),
    ProtimeChangesToPostgresOperator(task_id="nothing"),
    ProtimeVerifyOperator(task_id="equal", lookback_days=13),
    ProtimeDeltaAgeOperator(task_id="fresh"),
    ProtimeDeltaAgeOperator(task_id="old", hours=0),
):
    try:
        said.append(operator.execute(context))
    except (AirflowFailException, AirflowSkipException) as error:
        said.append(f"{type(error).__name__}: {error}")
print(json.dumps(said))
"""


def test_the_operators_around_the_delta(simulated: SimulatedTenant, warehouse: URL) -> None:
    none, empty, loaded, nothing, equal, fresh, old = run_forked(
        OPERATORS,
        AIRFLOW_CONN_PROTIME_DEFAULT=connection(simulated),
        AIRFLOW_CONN_PROTIME_WAREHOUSE=json.dumps(
            {
                "conn_type": "postgres",
                "login": warehouse.username,
                "schema": warehouse.database,
                "extra": {"host": warehouse.query["host"]} if not warehouse.host else {},
                "host": warehouse.host or "",
            }
        ),
    )
    total = len(simulated.tenant.truth())
    assert none is None
    assert empty.startswith(f"AirflowFailException: {total} clockings of 2026-03-07 to 2026-03-20 differ")
    assert empty.endswith("protime-etl verify --from 2026-03-07 --to 2026-03-20 --collections clockings --repair")
    assert loaded["inserted"] == total
    assert nothing == "AirflowSkipException: Nothing changed."
    assert (equal["equal"], equal["missing"]) == (total, 0)
    assert fresh is None
    assert "The delta of clockings (active) had its last good request at" in old
    assert "Unpause the DAG protime_clockings_changes" in old


def test_the_warehouse_connection_keeps_its_parameters() -> None:
    given = json.dumps(
        {
            "conn_type": "postgres",
            "login": "me",
            "password": "p@ss/word",
            "host": "db.example",
            "port": 5433,
            "schema": "wh",
            "extra": {"sslmode": "verify-full", "sslrootcert": "/ca.pem"},
        }
    )
    script = (
        "import json; from protime_etl.airflow.hook import warehouse_url;"
        "print(json.dumps(warehouse_url('protime_warehouse').render_as_string(hide_password=False)))"
    )
    url = run_forked(script, AIRFLOW_CONN_PROTIME_WAREHOUSE=given)
    from sqlalchemy.engine import make_url

    assert make_url(url) == URL.create(
        "postgresql+psycopg",
        "me",
        "p@ss/word",
        "db.example",
        5433,
        "wh",
        {"sslmode": "verify-full", "sslrootcert": "/ca.pem"},
    )
