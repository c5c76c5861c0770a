"""A collection that fails is named and stops no other; what fails for all is one error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.faults import Fault, FaultPlan
from protime_etl.simulator.options import KNOWN_SCOPES, Options
from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import Shell, last_json
from tests.support.difficult import refuse_lists
from tests.support.long_form import in_long_form
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY
from tests.support.truth import table_rows, tenant_rows

DATES = ("--from", "2026-03-07", "--to", str(TODAY))
CHOSEN = "clockings people departments absences"
ALL = 10**6


@pytest.fixture
def patient_shell(shell: Shell) -> Shell:
    shell.settings["PROTIME_COLLECTIONS"] = CHOSEN
    return shell


def failing(path: str, status: int = 500, **more: object) -> FaultPlan:
    return FaultPlan(fault=(Fault(kind="status", status=status, on=(path,), count=ALL, **more),))  # type: ignore[arg-type]


def assert_equal(engine: Engine, simulated: SimulatedTenant, *paths: str) -> None:
    for path in paths:
        assert table_rows(engine, path) == tenant_rows(simulated.tenant, path), path


@pytest.mark.parametrize(
    ("command", "path", "status"),
    [
        ("sync", "departments", 500),
        ("backfill", "absences", 500),
        *in_long_form(
            [
                ("sync", "departments", 400),
                ("backfill", "departments", 404),
                ("sync", "absences", 403),
                ("sync", "absences", 400),
            ]
        ),
    ],
)
def test_a_collection_that_fails_is_named_and_the_others_are_read(
    patient_shell: Shell, engine: Engine, simulated: SimulatedTenant, command: str, path: str, status: int
) -> None:
    simulated.served.misbehaviour.follow(failing(path, status))

    result = patient_shell(command, *DATES, "--json")

    assert result.returncode == 3, result.stderr
    assert f"{path} cannot be read" in result.stderr
    assert f"status {status}" in result.stderr
    assert_equal(engine, simulated, *{*CHOSEN.split()} - {path})
    assert last_json(result)["collections"].keys() == {*CHOSEN.split()} - {path}

    simulated.served.misbehaviour.follow(FaultPlan())
    result = patient_shell(command, *DATES)
    assert result.returncode == 0, result.stderr
    assert_equal(engine, simulated, path)


@pytest.mark.parametrize(
    ("path", "kind"), [("people", "firewall"), *in_long_form([("departments", "garbage"), ("absences", "truncate")])]
)
def test_a_list_that_is_not_readable_stops_no_other(
    patient_shell: Shell, engine: Engine, simulated: SimulatedTenant, path: str, kind: str
) -> None:
    assert patient_shell("sync", "--from", str(TODAY), "--to", str(TODAY)).returncode == 0
    fault = Fault(kind=kind, status=403, on=(path,), count=ALL)  # type: ignore[arg-type]
    simulated.served.misbehaviour.follow(FaultPlan(fault=(fault,)))
    result = patient_shell("sync", *DATES)
    assert result.returncode == 3, result.stderr
    assert f"{path} cannot be read" in result.stderr
    assert_equal(engine, simulated, "clockings")


@pytest.mark.parametrize("status", [500, *in_long_form([403])])
def test_known_people_are_read_while_their_list_fails(
    patient_shell: Shell, engine: Engine, simulated: SimulatedTenant, status: int
) -> None:
    assert patient_shell("sync", "--from", str(TODAY), "--to", str(TODAY)).returncode == 0
    simulated.served.misbehaviour.follow(failing("people", status))

    result = patient_shell("sync", *DATES)

    assert result.returncode == 3, result.stderr
    assert "people cannot be read" in result.stderr
    assert_equal(engine, simulated, "clockings", "absences", "departments")


def test_without_known_people_a_list_of_people_that_fails_is_an_error(
    patient_shell: Shell, simulated: SimulatedTenant
) -> None:
    simulated.served.misbehaviour.follow(failing("people"))
    result = patient_shell("sync", *DATES)
    assert result.returncode == 1
    assert "The API answers people with status 500" in result.stderr


def test_totals_that_fail_for_real_windows_never_stop_the_others(
    shell: Shell, engine: Engine, simulated: SimulatedTenant
) -> None:
    """The smallest question is answered: only the units find out."""
    shell.settings["PROTIME_COLLECTIONS"] = "clockings people calculated-totals absences paid-presences counters"
    refuse_lists(simulated.tenant, lambda _, found: bool(found), of="calculated-totals")

    result = shell("sync", *DATES)

    assert result.returncode == 3, result.stderr
    assert "calculated-totals cannot be read" in result.stderr
    assert_equal(engine, simulated, "clockings", "absences", "paid-presences", "counters")


def test_clockings_come_first(patient_shell: Shell, simulated: SimulatedTenant) -> None:
    order: list[str] = []
    usual = simulated.tenant.page

    def page(collection: str, *rest: object) -> object:
        order.append(collection)
        return usual(collection, *rest)  # type: ignore[arg-type]

    simulated.tenant.page = page  # type: ignore[method-assign,assignment]
    assert patient_shell("sync", *DATES, "--workers", "1").returncode == 0
    assert order[0] == "people"
    assert order.index("departments") > max(n for n, path in enumerate(order) if path in {"clockings", "absences"})
    assert order.index("clockings") < order.index("absences")


@pytest.fixture(params=[True, *in_long_form([False])], ids=["refused", "left out"])
def narrow(request: pytest.FixtureRequest, simulated: SimulatedTenant) -> Iterator[SimulatedTenant]:
    granted = KNOWN_SCOPES - {COLLECTIONS["absences"].scope}
    options = Options(page_size=100, scopes=granted, refuses_missing_scopes=request.param)
    with SimulatedTenant(simulated.tenant, options) as served:
        yield served


def test_a_scope_that_is_not_granted_costs_its_collection_alone(
    patient_shell: Shell, engine: Engine, narrow: SimulatedTenant
) -> None:
    patient_shell.settings |= {"PROTIME_API_URL": narrow.url, "PROTIME_AUTH_URL": narrow.url}

    result = patient_shell("sync", *DATES)

    assert result.returncode == 3, result.stderr
    assert "absences cannot be read" in result.stderr
    assert COLLECTIONS["absences"].scope in result.stderr
    assert_equal(engine, narrow, "clockings", "people", "departments")
    assert narrow.served.requests["token"] <= 8
    tokens = narrow.served.requests["token"]
    assert patient_shell("sync", *DATES).returncode == 3
    assert narrow.served.requests["token"] == tokens, "the token is kept"


def test_what_fails_for_all_is_one_error(patient_shell: Shell, simulated: SimulatedTenant) -> None:
    assert patient_shell("sync", *DATES).returncode == 0
    everything = Fault(kind="status", status=503, count=ALL, on=("people", *CHOSEN.split()))
    simulated.served.misbehaviour.follow(FaultPlan(fault=(everything,)))
    result = patient_shell("sync", *DATES)
    assert result.returncode == 1, result.stderr
    assert result.stderr.count("status 503") == 1


def test_wrong_credentials_are_one_error(patient_shell: Shell, simulated: SimulatedTenant) -> None:
    assert patient_shell("sync", *DATES).returncode == 0
    result = patient_shell("sync", *DATES, client_id="another")
    assert result.returncode == 1
    assert result.stderr.count("PROTIME_CLIENT_SECRET") == 1
    assert simulated.served.requests["token"] == 2


def test_a_host_that_is_not_there_is_one_error(patient_shell: Shell) -> None:
    assert patient_shell("sync", *DATES).returncode == 0
    with ScriptedServer([Answer(200)]) as server:
        nowhere = server.url
    result = patient_shell("sync", *DATES, api_url=nowhere)
    assert result.returncode == 1
    assert result.stderr.count("cannot be reached") == 1


def test_a_verification_reads_the_others(patient_shell: Shell, simulated: SimulatedTenant) -> None:
    assert patient_shell("sync", *DATES).returncode == 0
    simulated.served.misbehaviour.follow(failing("absences"))
    result = patient_shell("verify", *DATES)
    assert result.returncode == 3, result.stderr
    assert "absences cannot be read" in result.stderr
    assert "clockings" in result.stdout
