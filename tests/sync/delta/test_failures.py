"""What keeps failing leads out of `active`: each kind of failure by itself, and one that passes does not."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from tenacity import wait_none

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.errors import (
    DeltaBrokenError,
    ForeignAnswerError,
    ProtimeError,
    ProtocolError,
    RateLimited,
    ServerError,
    UntrustedLinkError,
)
from protime_etl.postgres.ledger.deltas import stale_deltas
from protime_etl.protime import decoding, retrying, transport
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.delta.failures import MAX_FAILURES, MAX_LOADS, MAX_OUTAGES
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from tests.support.long_form import in_long_form
from tests.support.scripted_server import Answer, Received, ScriptedServer
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=13)
LINK = f"{API_PATH}/delta/clockings?deltaToken="
WHOLE = {"person": {"id": 7}, "date": str(TODAY), "timeOfDayInMinutes": 1, "kind": "InOut", "changeVersion": "05"}


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_jitter", wait_none())


def written(record_id: int, **changes: object) -> dict[str, Any]:
    return {"changeType": "InsertOrUpdate", "data": {**WHOLE, "id": record_id, **changes}}


def deleted(record_id: int, **changes: object) -> dict[str, Any]:
    return {"changeType": "Delete", "data": {"id": record_id, **changes}}


def empty(link: object) -> Answer:
    return Answer(200, {"value": [], "deltaLink": link})


@contextmanager
def scripted(warehouse: URL, answers: Sequence[Answer]) -> Iterator[tuple[Pipeline, ScriptedServer]]:
    with (
        ScriptedServer(answers) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        yield pipeline, server


@contextmanager
def served(warehouse: URL, **options: Any) -> Iterator[tuple[Pipeline, SimulatedTenant]]:
    tenant = Tenant(seed=1, people=5, first_day=FIRST, last_day=TODAY)
    with (
        SimulatedTenant(tenant, Options(**({"page_size": 100} | options))) as simulated,
        open_pipeline(settings_for(simulated), warehouse) as pipeline,
    ):
        yield pipeline, simulated


def state(engine: Engine) -> Any:
    with engine.connect() as connection:
        return (
            connection.execute(sa.text("SELECT * FROM protime_etl.deltas WHERE 'shadow' NOT IN (tenant, collection)"))
            .mappings()
            .one()
        )


def test_a_nul_costs_its_field_alone_or_the_deletion_that_it_is_in(warehouse: URL, engine: Engine) -> None:
    items = [
        written(1),
        written(2, mood="a\0b"),
        written(3, kind="\0"),
        deleted(4, changeVersion="0\0"),
        written(5, activityLevels=[{"level": 1, "activityDefinition": {"id": "\0"}}]),
        written(6),
    ]
    with scripted(warehouse, [empty(LINK + "a"), Answer(200, {"value": items, "deltaLink": LINK + "b"})]) as (
        pipeline,
        _,
    ):
        poll(pipeline, CLOCKINGS)
        result = poll(pipeline, CLOCKINGS)
    rows = table_rows(engine)
    assert {key: row["extra"] for key, row in rows.items()} == {
        1: None,
        2: {"mood": "a\\u0000b"},
        3: {"other form": {"kind": "\\u0000"}},
        5: {"other form": {"activityLevels": [{"level": 1, "activityDefinition": {"id": "\\u0000"}}]}},
        6: None,
    }
    assert (rows[3]["kind"], rows[5]["activity_levels"]) == (None, None)
    assert (result.counts.inserted, result.counts.rejected) == (5, 1)
    assert state(engine)["link"] == LINK + "b"
    with engine.connect() as connection:
        kept = connection.execute(
            sa.text(
                "SELECT record_id, reason FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection)"
            )
        ).all()
    assert {row.record_id for row in kept} == {4}
    assert all("NUL" in row.reason for row in kept)


@pytest.mark.parametrize("deletion", [{"changeVersion": None}, {}])
def test_a_deletion_without_a_version_deletes(warehouse: URL, engine: Engine, deletion: dict[str, Any]) -> None:
    gone = Answer(404, {"error": {"code": "NotFound", "message": "no"}})
    answers = [
        Answer(200, {"value": [{**WHOLE, "id": 5}, {**WHOLE, "id": 6}], "deltaLink": LINK + "a"}),
        # The order of the two about 6 is not known: reading the record decides.
        Answer(200, {"value": [deleted(5, **deletion), deleted(6, **deletion), written(6)], "deltaLink": LINK + "b"}),
        gone,
        gone,
    ]
    with scripted(warehouse, answers) as (pipeline, _):
        poll(pipeline, CLOCKINGS)
        result = poll(pipeline, CLOCKINGS)
    assert (result.counts.deleted, result.counts.rejected) == (2, 0)
    assert all(row["is_deleted"] for row in table_rows(engine).values())


def spoil(simulated: SimulatedTenant, fault: str, on: str = '["clockings-delta"]') -> None:
    simulated.served.misbehaviour.follow(read_plan(f"[[fault]]\nrate = 1.0\non = {on}\n{fault}"))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ('kind = "status"\nstatus = 404', "status 404"),
        *in_long_form((f'kind = "status"\nstatus = {status}', f"status {status}") for status in (400, 405, 414)),
    ],
)
def test_an_answer_that_can_never_be_used_ends_the_delta(
    warehouse: URL, engine: Engine, caplog: pytest.LogCaptureFixture, fault: str, message: str
) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        link = state(engine)["link"]
        simulated.tenant.hard_delete(simulated.tenant.truth()[0].id)
        spoil(simulated, fault)
        for failed in range(1, MAX_FAILURES):
            with pytest.raises(ProtimeError, match=message) as caught:
                poll(pipeline, CLOCKINGS)
            assert f"Failed poll {failed} in a row; after {MAX_FAILURES}" in caught.value.guidance
            assert caught.value.guidance.endswith("protime-etl changes --restart")
            assert (state(engine)["status"], state(engine)["link"]) == ("active", link)
            assert state(engine)["failures"] == failed
            assert message in state(engine)["error"]
        with caplog.at_level(logging.WARNING):
            result = poll(pipeline, CLOCKINGS)
        assert "The delta is broken: a new initial load starts. 5 polls in a row have failed." in caplog.text
        assert result.restarted == "broken"
        assert message in result.reason
        found = state(engine)
        assert (found["status"], found["failures"], found["loads"], found["error"]) == ("active", 0, 0, None)
        rows, truth = table_rows(engine), tenant_rows(simulated.tenant)
        assert {key: row for key, row in rows.items() if not row["is_deleted"] or key in truth} == truth


def test_failures_that_pass_are_forgotten(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        for _ in range(2):
            spoil(simulated, 'kind = "garbage"')
            for _ in range(MAX_FAILURES - 1):
                with pytest.raises(ProtimeError):
                    poll(pipeline, CLOCKINGS)
            simulated.served.misbehaviour.follow(FaultPlan())
            assert not poll(pipeline, CLOCKINGS).initial
        assert state(engine)["failures"] == 0


@pytest.mark.parametrize(
    "link",
    [
        f"https://evil.example{LINK}b",
        f"{API_PATH}/delta/people?deltaToken=b",
        LINK + "b#c",
        LINK + "b" * 4096,
    ],
)
def test_a_link_that_would_not_be_followed_is_not_kept(warehouse: URL, engine: Engine, link: str) -> None:
    answers = [
        empty(LINK + "a"),
        *[Answer(200, {"value": [written(1)], "deltaLink": link})] * MAX_FAILURES,
        Answer(200, {"value": [{**WHOLE, "id": 1}], "deltaLink": LINK + "c"}),
    ]
    with scripted(warehouse, answers) as (pipeline, server):
        poll(pipeline, CLOCKINGS)
        for failed in range(1, MAX_FAILURES):
            with pytest.raises(ProtimeError, match=r"is not followed|over the limit"):
                poll(pipeline, CLOCKINGS)
            assert (state(engine)["link"], state(engine)["failures"]) == (LINK + "a", failed)
            assert table_rows(engine) == {}, "nothing of the answer was stored without its link"
        result = poll(pipeline, CLOCKINGS)
        assert (result.restarted, result.counts.inserted) == ("broken", 1)
        assert (state(engine)["status"], state(engine)["link"]) == ("active", LINK + "c")
        assert all(request.path.startswith(API_PATH) for request in server.api_requests)


def test_a_link_of_an_initial_load_is_looked_at_before_it_is_kept(warehouse: URL, engine: Engine) -> None:
    good = f"{API_PATH}/clockings?filter=date ge '2025-01-01'&continuationToken=a"
    answers = [
        Answer(200, {"value": [{**WHOLE, "id": 1}], "nextLink": good}),
        Answer(200, {"value": [{**WHOLE, "id": 2}], "nextLink": f"https://evil.example{good}"}),
        Answer(200, {"value": [{**WHOLE, "id": 2}], "deltaLink": LINK + "a"}),
    ]
    with scripted(warehouse, answers) as (pipeline, _):
        with pytest.raises(UntrustedLinkError):
            poll(pipeline, CLOCKINGS)
        assert (state(engine)["status"], state(engine)["link"]) == ("loading", good)
        assert poll(pipeline, CLOCKINGS).restarted is None
        assert set(table_rows(engine)) == {1, 2}


@pytest.mark.parametrize("limit", ["bytes", *in_long_form(["commas"])])
def test_an_answer_that_is_too_large_is_loaded_in_pages_at_once(
    warehouse: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    with served(warehouse, page_size=20) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        for one in simulated.tenant.truth():
            simulated.tenant.edit(one.id, time_of_day_in_minutes=1)
        if limit == "bytes":
            monkeypatch.setattr(transport, "MAX_BODY_BYTES", 10_000)
        else:
            monkeypatch.setattr(decoding, "MAX_COMMAS", 400)
        asked = simulated.served.requests["clockings-delta"]
        result = poll(pipeline, CLOCKINGS)
        assert simulated.served.requests["clockings-delta"] == asked + 1
        assert result.restarted == "broken"
        assert "loaded page by page" in result.reason
        assert table_rows(engine) == tenant_rows(simulated.tenant)
        assert (state(engine)["status"], state(engine)["loads"]) == ("active", 0)
        assert not poll(pipeline, CLOCKINGS).initial


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ('kind = "status"\nstatus = 504', ServerError),
        *in_long_form(
            [('kind = "garbage"', ForeignAnswerError), ('kind = "firewall"\nstatus = 403', ForeignAnswerError)]
        ),
    ],
)
def test_an_outage_of_the_delta_alone_ends_it(
    warehouse: URL, engine: Engine, fault: str, error: type[ProtimeError]
) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        simulated.tenant.edit(simulated.tenant.truth()[0].id, time_of_day_in_minutes=1)
        spoil(simulated, fault)
        for failed in range(1, MAX_OUTAGES):
            with pytest.raises(error):
                poll(pipeline, CLOCKINGS)
            assert (state(engine)["status"], state(engine)["outages"]) == ("active", failed)
        result = poll(pipeline, CLOCKINGS)
        assert result.restarted == "broken"
        assert "20 polls in a row have failed, while the API answers other requests" in result.reason
        assert table_rows(engine) == tenant_rows(simulated.tenant)


def test_an_outage_of_everything_does_not(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        link = state(engine)["link"]
        spoil(simulated, 'kind = "status"\nstatus = 503', on='["clockings", "clockings-delta"]')
        for _ in range(MAX_OUTAGES + 1):
            with pytest.raises(ServerError):
                poll(pipeline, CLOCKINGS)
        assert (state(engine)["status"], state(engine)["link"]) == ("active", link)
        simulated.served.misbehaviour.follow(FaultPlan())
        assert not poll(pipeline, CLOCKINGS).initial


def test_a_firewall_before_everything_does_not(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        spoil(simulated, 'kind = "firewall"\nstatus = 403', on='["clockings", "clockings-delta"]')
        for _ in range(MAX_FAILURES + 1):
            with pytest.raises(ForeignAnswerError):
                poll(pipeline, CLOCKINGS)
        assert (state(engine)["status"], state(engine)["outages"]) == ("active", MAX_FAILURES + 1)
        simulated.served.misbehaviour.follow(FaultPlan())
        assert not poll(pipeline, CLOCKINGS).initial


def test_being_asked_to_wait_is_no_failure_of_the_delta(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS)
        spoil(simulated, 'kind = "status"\nstatus = 429\nretry_after = 3600')
        for _ in range(MAX_OUTAGES + MAX_FAILURES):
            with pytest.raises(RateLimited):
                poll(pipeline, CLOCKINGS)
        found = state(engine)
        assert (found["status"], found["failures"], found["outages"]) == ("active", 0, 0)


class SpoiltPage(ScriptedServer):
    """An initial load of two pages, the second of which is refused until it is mended."""

    mended = False

    def _next(self, request: Received) -> Answer:
        answer = super()._next(request)
        if request.path.endswith("/connect/token"):
            return answer
        if "continuationToken" in request.path:
            page = {"value": [{**WHOLE, "id": 2}], "deltaLink": LINK + "a"}
            return Answer(200, page) if self.mended else Answer(400, {"error": {"code": "BadRequest", "message": "no"}})
        if "/delta/" in request.path:
            return empty(LINK + "a")
        return Answer(200, {"value": [{**WHOLE, "id": 1}], "nextLink": f"{API_PATH}/clockings?continuationToken=a"})


@pytest.mark.parametrize("way_out", ["a day", "restart"])
def test_a_load_that_never_ends_rests(warehouse: URL, engine: Engine, way_out: str) -> None:
    with (
        SpoiltPage([Answer()]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        for _ in range(MAX_LOADS * MAX_FAILURES):
            with pytest.raises(ProtimeError) as caught:
                poll(pipeline, CLOCKINGS)
            if isinstance(caught.value, DeltaBrokenError):
                break
        assert isinstance(caught.value, DeltaBrokenError)
        found = state(engine)
        assert (found["status"], found["link"], found["loads"]) == ("broken", None, MAX_LOADS)
        assert "status 400" in found["error"]
        assert "protime-etl changes --restart" in caught.value.guidance
        starts = [one for one in server.api_requests if one.path.endswith("&delta")]
        assert len(starts) == MAX_LOADS
        asked = len(server.api_requests)
        with pytest.raises(DeltaBrokenError, match="status 400"):
            poll(pipeline, CLOCKINGS)
        assert len(server.api_requests) == asked, "at rest nothing is asked"
        assert "cannot start over" in stale(pipeline)[0]

        server.mended = True
        if way_out == "a day":
            with engine.begin() as connection:
                connection.execute(
                    sa.text(
                        "UPDATE protime_etl.deltas SET started_at = started_at - interval '1 day'"
                        " WHERE 'shadow' NOT IN (tenant, collection)"
                    )
                )
        result = poll(pipeline, CLOCKINGS, restart=way_out == "restart")
        assert result.initial
        assert (state(engine)["status"], state(engine)["loads"]) == ("active", 0)
        assert set(table_rows(engine)) == {1, 2}


def test_a_load_whose_pages_lead_back_to_one_before_is_an_error(warehouse: URL) -> None:
    answers = [
        *[Answer(200, {"value": [WHOLE | {"id": 1}], "nextLink": f"{API_PATH}/clockings?continuationToken=a"})] * 2,
        empty(LINK + "a"),
    ]
    with scripted(warehouse, answers) as (pipeline, server):
        with pytest.raises(ProtocolError, match="a link came twice"):
            poll(pipeline, CLOCKINGS)
        assert len(server.api_requests) == 2


def test_a_new_load_keeps_the_first_day(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, simulated):
        poll(pipeline, CLOCKINGS, FIRST)
        simulated.clock.advance(dt.timedelta(hours=73))
        assert poll(pipeline, CLOCKINGS).restarted == "expired"
        assert state(engine)["date_from"] == FIRST
        poll(pipeline, CLOCKINGS, restart=True)
        assert state(engine)["date_from"] < FIRST


def test_a_simulated_tenant_that_was_served_again_has_forgotten_the_delta(warehouse: URL, engine: Engine) -> None:
    with served(warehouse) as (pipeline, _):
        poll(pipeline, CLOCKINGS)
    with served(warehouse) as (pipeline, simulated):
        simulated.tenant.edit(simulated.tenant.truth()[0].id, time_of_day_in_minutes=1)
        assert poll(pipeline, CLOCKINGS).restarted == "expired"
        assert table_rows(engine) == tenant_rows(simulated.tenant)
        assert not poll(pipeline, CLOCKINGS).initial


def stale(pipeline: Pipeline) -> list[str]:
    with pipeline.transaction() as connection:
        return stale_deltas(connection, pipeline.tenant, ["clockings"], dt.timedelta(hours=24))
