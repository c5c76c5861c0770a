"""`ProtimeHook` in a user's own task: the API by path and by collection, with the token and the pause of all."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy.engine import URL

from protime_etl.airflow import ProtimeHook
from protime_etl.airflow.connections import connections
from protime_etl.errors import (
    ForbiddenError,
    NotFoundError,
    ProtocolError,
    RateLimited,
    SettingsError,
    UntrustedLinkError,
)
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY, settings_for


@pytest.fixture
def hook(simulated: SimulatedTenant, warehouse: URL, monkeypatch: pytest.MonkeyPatch) -> ProtimeHook:
    connection = {
        "conn_type": "protime",
        "login": simulated.client_id,
        "password": simulated.client_secret,
        "extra": {"tenant": "simulated", "api_url": simulated.url, "auth_url": simulated.url},
    }
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_DEFAULT", msgspec.json.encode(connection).decode())
    uri = warehouse.render_as_string(hide_password=False).replace("postgresql+psycopg", "postgres")
    monkeypatch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", uri)
    return ProtimeHook()


def test_connections_made_of_settings_say_the_same_and_the_secret_as_password_only(
    simulated: SimulatedTenant, warehouse: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(simulated, timezone="Europe/Paris")
    made = connections(settings, warehouse)
    for name, fields in made.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", msgspec.json.encode(fields).decode())
    assert ProtimeHook().get_settings() == settings
    shown = msgspec.json.decode(made["protime_default"]["extra"])
    assert not {"client_id", "client_secret"} & set(shown)


def test_a_path_is_read(hook: ProtimeHook, simulated: SimulatedTenant) -> None:
    person = simulated.tenant.people_truth()[0]
    assert hook.get(f"people/{person.id}")["lastName"] == person.last_name
    listed = hook.get(f"clockings?filter=person eq {person.id} and date ge '{TODAY}'")
    assert {one["person"]["id"] for one in listed["value"]} == {person.id}


def test_a_collection_is_read_page_by_page(hook: ProtimeHook, simulated: SimulatedTenant) -> None:
    pages = list(hook.pages("clockings", "date ge '2026-03-01'"))
    assert len(pages) > 1
    assert [one["id"] for page in pages for one in page] == [one.id for one in simulated.tenant.truth()]


def test_one_token_serves_all_tasks(hook: ProtimeHook, simulated: SimulatedTenant) -> None:
    for _ in range(3):
        hook.get("people")
    assert simulated.served.requests["token"] == 1


def test_a_pause_that_the_api_asked_of_one_task_holds_for_the_next(
    hook: ProtimeHook, simulated: SimulatedTenant
) -> None:
    plan = '[[fault]]\nkind = "status"\nstatus = 429\nretry_after = 3600\non = ["people"]\ncount = 1'
    simulated.served.misbehaviour.follow(read_plan(plan))
    with pytest.raises(RateLimited):
        hook.get("people")
    asked = simulated.served.requests["clockings"]
    with pytest.raises(RateLimited):
        list(hook.pages("clockings", "date ge '2026-03-01'"))
    assert simulated.served.requests["clockings"] == asked


@pytest.mark.parametrize(
    "path",
    ["https://elsewhere.example/people", "//elsewhere.example/people", "../../token", "people/../../x", "", "a b"],
)
def test_no_path_leads_out_of_the_api(hook: ProtimeHook, path: str) -> None:
    with pytest.raises(UntrustedLinkError, match="not a path of the API"):
        hook.get(path)


def test_what_cannot_be_read_is_reported(hook: ProtimeHook) -> None:
    with pytest.raises(ForbiddenError, match=r"departments .*403"):
        hook.get("departments")
    with pytest.raises(NotFoundError):
        hook.get("webhooks/1")
    with pytest.raises(SettingsError, match="no collection 'absense'"):
        list(hook.pages("absense"))


def test_a_wrong_parameter_is_not_blamed_on_the_connection(hook: ProtimeHook) -> None:
    with pytest.raises(SettingsError) as caught:
        hook.get_settings("clockings absense")
    assert str(caught.value).startswith(
        "The parameter collections: there is no collection 'absense'; the nearest name is absences."
    )
    assert "Connection" not in str(caught.value)
    assert hook.get_settings("absences").scopes == ("connector-protimeapi-absences.read",)


@pytest.mark.parametrize("depth", [2_000, 500_000])
def test_an_answer_that_nests_too_deep_is_an_error_of_ours(
    hook: ProtimeHook, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    deep = b"[" * depth + b"]" * depth
    with ScriptedServer([Answer(200, b'{"value": [' + deep + b"]}")]) as server:
        extra = {"tenant": "simulated", "api_url": server.url, "auth_url": server.url}
        connection = {"conn_type": "protime", "login": "id", "password": "secret", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_PROTIME_DEFAULT", msgspec.json.encode(connection).decode())
        with pytest.raises(ProtocolError):
            hook.get("people")
        with pytest.raises(ProtocolError):
            list(hook.pages("people"))
