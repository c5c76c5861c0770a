from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests
from urllib3.util import SKIP_HEADER

from protime_etl.simulator.options import CLOCKINGS_SCOPE, KNOWN_SCOPES, PEOPLE_SCOPE, Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant

if TYPE_CHECKING:
    from tests.simulator.caller import Caller


def test_gives_a_token_as_documented(caller: Caller) -> None:
    answer = caller.ask_token(scope=CLOCKINGS_SCOPE)
    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"access_token", "expires_in", "token_type", "scope"}
    assert (body["expires_in"], body["token_type"], body["scope"]) == (1800, "Bearer", CLOCKINGS_SCOPE)
    assert body["access_token"].startswith("eyJ")
    assert body["access_token"].count(".") == 2
    assert set(caller.ask_token().json()["scope"].split()) == KNOWN_SCOPES
    assert caller.simulated.served.requests == {"token": 2}


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"scope": "connector-protimeapi-nothing.read"}, 400, "invalid_scope"),
        ({"scope": f"{CLOCKINGS_SCOPE} nothing"}, 400, "invalid_scope"),
        ({"agent": SKIP_HEADER}, 400, "invalid_request"),
        ({"agent": ""}, 400, "invalid_request"),
    ],
)
def test_refuses(caller: Caller, fields: dict[str, str], status: int, error: str) -> None:
    answer = caller.ask_token(**fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert caller.simulated.served.requests == {"token": 1, "refused": 1}


@pytest.mark.parametrize("body", [b"grant_type=\xff", b"grant_type=client_credentials&grant_type=client_credentials"])
def test_refuses_a_form_that_cannot_be_read(caller: Caller, body: bytes) -> None:
    url = f"{caller.simulated.url}/tenants/simulated/connect/token"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert caller.session.post(url, data=body, headers=form).json()["error"] == "invalid_request"


def test_refuses_json(caller: Caller) -> None:
    answer = caller.session.post(f"{caller.simulated.url}/tenants/simulated/connect/token", json={})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_knows_its_own_name_only(caller: Caller) -> None:
    assert caller.ask_token(tenant="another").status_code == 404


def test_a_scope_that_is_not_granted_is_left_out() -> None:
    with SimulatedTenant(Tenant(people=1), Options(scopes=frozenset({PEOPLE_SCOPE}))) as simulated:
        form = {
            "grant_type": "client_credentials",
            "client_id": simulated.client_id,
            "client_secret": simulated.client_secret,
        }
        url = f"{simulated.url}/tenants/simulated/connect/token"
        both = requests.post(url, data=form | {"scope": f"{CLOCKINGS_SCOPE} {PEOPLE_SCOPE}"}, timeout=10)
        assert both.json()["scope"] == PEOPLE_SCOPE
        none = requests.post(url, data=form | {"scope": CLOCKINGS_SCOPE}, timeout=10)
        assert (none.status_code, none.json()["error"]) == (400, "invalid_scope")


def test_a_token_expires() -> None:
    options = Options(expires_in=1, client_id="me", client_secret="mine", tenant_name="acme")
    with SimulatedTenant(Tenant(people=1), options) as simulated:
        form = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "mine"}
        given = requests.post(f"{simulated.url}/tenants/acme/connect/token", data=form, timeout=10).json()
        headers = {"Authorization": f"Bearer {given['access_token']}"}
        people = f"{simulated.url}/connector/protimeapi/api/v1/people"
        assert requests.get(people, headers=headers, timeout=10).status_code == 200
        time.sleep(given["expires_in"])
        assert requests.get(people, headers=headers, timeout=10).status_code == 401
