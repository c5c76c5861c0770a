"""Two tenants with the same ids in one warehouse, both nights at once; and who is notified when one of them fails."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import msgspec
import pytest
from sqlalchemy.engine import URL, Engine

from protime_etl.airflow.connections import connections
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.standalone.local_airflow import LocalAirflow, local_airflow
from tests.support.databases import execute
from tests.support.mail_server import MailServer, mail_server
from tests.support.tenant import present_day, settings_for
from tests.support.truth import table_rows, tenant_rows

pytestmark = [pytest.mark.airflow, pytest.mark.long, pytest.mark.timeout(900)]
TODAY = present_day()
NIGHTS = ("protime_clockings_nightly", "beta_clockings_nightly")
FILES = {
    # As a user writes them.
    "alpha.py": (
        "from protime_etl.airflow import protime_dags\nprotime_dags(timezone='UTC', alert='alpha@example.com')\n"
    ),
    "beta.py": "from protime_etl.airflow import protime_dags\nprotime_dags('beta', protime_conn_id='protime_beta')\n",
    "late.py": (
        "import datetime as dt\nfrom protime_etl.airflow import protime_dags\n"
        "protime_dags('late', timezone='UTC', alert='late@example.com', deadline=dt.timedelta(seconds=20),"
        " only=['nightly'], default_args={'pool': 'late'})\n"
    ),
    "consumers.py": (
        "from airflow.sdk import DAG, Asset, task\n"
        "for name in ('protime', 'beta'):\n"
        "    uri = {'protime': 'protime://warehouse/protime/clockings', 'beta': 'protime://beta/clockings'}[name]\n"
        "    with DAG(f'consumer_of_{name}', schedule=[Asset(name=f'{name}_clockings', uri=uri)]):\n"
        "        @task\n"
        "        def look(triggering_asset_events=None):\n"
        "            print(triggering_asset_events)\n"
        "        look()\n"
    ),
}


class House(NamedTuple):
    airflow: LocalAirflow
    tenants: dict[str, SimulatedTenant]
    engine: Engine
    mail: MailServer

    def texts_to(self, address: str) -> list[str]:
        """Subject and text of each mail to an address."""
        pairs = zip(self.mail.messages, self.mail.texts, strict=False)
        return ["\n".join(text) for message, text in pairs if message["To"] == address]


@pytest.fixture(scope="module")
def house(airflow_server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    execute(airflow_server, "CREATE DATABASE two_tenants TEMPLATE template_alone")
    home = tmp_path_factory.mktemp("two tenants")
    dags = home / "dags"
    dags.mkdir()
    for name, text in FILES.items():
        (dags / name).write_text(text)
    with ExitStack() as stack:
        mail = stack.enter_context(mail_server())
        served = {}
        for number, name in enumerate(("simulated", "beta")):
            # The same ids of people and of clockings.
            tenant = Tenant(seed=number, people=60, first_day=TODAY - dt.timedelta(days=9), last_day=TODAY)
            served[name] = stack.enter_context(SimulatedTenant(tenant, Options(tenant_name=name, page_size=100)))
        engine = create_engine(airflow_server.set(database="two_tenants"))
        stack.callback(engine.dispose)
        first = settings_for(served["simulated"], timezone="UTC", max_wait_in_task=0)
        second = settings_for(served["beta"], tenant="beta", timezone="UTC")
        beta = connections(second, engine.url)["protime_default"]
        beta["extra"] = msgspec.json.encode(
            msgspec.json.decode(beta["extra"]) | {"alert_email": "beta@example.com"}
        ).decode()
        more = {
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "AIRFLOW_CONN_PROTIME_BETA": msgspec.json.encode(beta).decode(),
            "AIRFLOW_CONN_SMTP_DEFAULT": msgspec.json.encode(mail.connection).decode(),
        }
        airflow = stack.enter_context(local_airflow(home, airflow_server, engine.url, first, more=more))
        for dag_id in (*NIGHTS, "consumer_of_protime", "consumer_of_beta", "late_clockings_nightly"):
            airflow.wait_for_dag(dag_id)
        airflow.request("POST", "/pools", {"name": "late", "slots": 4, "include_deferred": False})
        for dag_id in ("consumer_of_protime", "consumer_of_beta"):
            airflow.request("PATCH", f"/dags/{dag_id}", {"is_paused": False})
        yield House(airflow, served, engine, mail)


def wait_until(happened: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(1)


def runs_of(house: House, dag_id: str) -> int:
    return int(house.airflow.request("GET", f"/dags/{dag_id}/dagRuns")["total_entries"])


def test_both_nights_at_once_and_each_asset_wakes_its_own_consumer(house: House) -> None:
    started = [house.airflow.trigger(dag_id, {"lookback_days": 9}) for dag_id in NIGHTS]
    states = [house.airflow.wait_for_run(dag_id, run_id) for dag_id, run_id in zip(NIGHTS, started, strict=True)]
    assert states == ["success", "success"], house.airflow.complaints(NIGHTS[1], started[1])
    ids = [set(tenant_rows(served.tenant)) for served in house.tenants.values()]
    assert ids[0] & ids[1], "they have the same ids"
    for name, served in house.tenants.items():
        for collection in ("clockings", "people"):
            assert table_rows(house.engine, collection, name) == tenant_rows(served.tenant, collection)
        assert served.served.requests["token"] == 1
    events = house.airflow.request("GET", "/assets/events")["asset_events"]
    sent = {(event["uri"], event["source_dag_id"]) for event in events}
    assert ("protime://beta/clockings", NIGHTS[1]) in sent
    assert not {uri for uri, dag_id in sent if dag_id == NIGHTS[0]} & {"protime://beta/clockings"}
    wait_until(lambda: runs_of(house, "consumer_of_protime") and runs_of(house, "consumer_of_beta"))
    before = runs_of(house, "consumer_of_protime"), runs_of(house, "consumer_of_beta")
    again = house.airflow.trigger(NIGHTS[1], {"lookback_days": 1})
    assert house.airflow.wait_for_run(NIGHTS[1], again) == "success"
    wait_until(lambda: runs_of(house, "consumer_of_beta") > before[1])
    assert runs_of(house, "consumer_of_protime") == before[0]
    assert house.mail.messages == [], "no mail is sent about what went well"


def test_a_failed_night_notifies_those_of_its_own_tenant(house: House) -> None:
    for name in house.tenants:
        fault = '[[fault]]\nkind = "status"\nstatus = 403\non = ["clockings"]\nrate = 1.0'
        house.tenants[name].served.misbehaviour.follow(read_plan(fault))
    try:
        for dag_id in NIGHTS:
            run_id = house.airflow.trigger(dag_id, {"lookback_days": 1})
            assert house.airflow.wait_for_run(dag_id, run_id) == "failed"
    finally:
        for served in house.tenants.values():
            served.served.misbehaviour.follow(FaultPlan())
    wait_until(lambda: {one["To"] for one in house.mail.messages} >= {"alpha@example.com", "beta@example.com"})
    for to, name, other in (("alpha@example.com", "simulated", "beta"), ("beta@example.com", "beta", "simulated")):
        texts = [text for one, text in zip(house.mail.messages, house.mail.texts, strict=True) if one["To"] == to]
        for subject, text in texts:
            assert f"[Protime {name}]" in subject
            assert text.startswith("<pre>clockings not read: ")
            assert "Why: The API answers clockings with status 403" in text
            assert "protime-etl backfill --from" in text
            assert f"{other}:" not in text


def test_a_night_that_waits_is_reported_when_it_is_late_and_ends_by_its_deadline(house: House) -> None:
    fault = '[[fault]]\nkind = "status"\nstatus = 429\nretry_after = 3600\non = ["people"]\ncount = 1'
    house.tenants["simulated"].served.misbehaviour.follow(read_plan(fault))
    run_id = house.airflow.trigger("late_clockings_nightly", {"lookback_days": 1})
    try:
        # The wait would end later than the deadline: the task fails at once, and says so.
        assert house.airflow.wait_for_run("late_clockings_nightly", run_id) == "failed"
    finally:
        house.tenants["simulated"].served.misbehaviour.follow(FaultPlan())
        execute(house.engine.url, "DELETE FROM protime_etl.pauses")
    (complaint, *_) = house.airflow.complaints("late_clockings_nightly", run_id)
    assert "deadline: 0:00:20" in complaint
    wait_until(lambda: any("late_clockings_nightly failed" in text for text in house.texts_to("late@example.com")))


def test_a_night_that_is_not_done_in_time_is_reported_while_it_still_runs(house: House) -> None:
    pool, described = "/pools/late?update_mask=slots", {"pool": "late", "include_deferred": False}
    house.airflow.request("PATCH", pool, {**described, "slots": 0})  # others have taken all
    run_id = house.airflow.trigger("late_clockings_nightly", {"lookback_days": 1})
    try:
        warning = "late_clockings_nightly not done after 0:00:20"
        wait_until(lambda: any(warning in text for text in house.texts_to("late@example.com")))
        assert house.airflow.request("GET", f"/dags/late_clockings_nightly/dagRuns/{run_id}")["state"] == "running"
    finally:
        house.airflow.request("PATCH", pool, {**described, "slots": 4})
    assert house.airflow.wait_for_run("late_clockings_nightly", run_id) == "success"


def test_a_paused_dag_of_the_changes_is_reported_by_the_night(house: House) -> None:
    execute(
        house.engine.url,
        "INSERT INTO protime_etl.deltas (tenant, collection, status, date_from, link, started_at, requested_at)"
        " VALUES ('beta', 'clockings', 'active', '2026-01-01', 'x', now(), now() - interval '30 hours')",
    )
    run_id = house.airflow.trigger("beta_clockings_nightly", {"lookback_days": 1})
    assert house.airflow.wait_for_run("beta_clockings_nightly", run_id) == "failed"
    warning = "the delta of clockings was last polled 30 hours ago"
    wait_until(lambda: any(warning in text for text in house.texts_to("beta@example.com")))
    (text,) = [text for text in house.texts_to("beta@example.com") if warning in text]
    assert f"[Protime beta] {warning}" in text
    # The clockings themselves are there all the same.
    assert table_rows(house.engine, tenant="beta") == tenant_rows(house.tenants["beta"].tenant)
