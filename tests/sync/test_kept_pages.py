"""A quota that is smaller than a list: what was read is kept over the pause, and every request is made once."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.people import PEOPLE
from protime_etl.errors import RateLimited
from protime_etl.protime import client
from protime_etl.simulator.faults import Fault, FaultPlan, RateLimit
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync import pipeline as pipeline_module
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.read.pages import KeptPages
from protime_etl.sync.read.prefetch import prefetch
from protime_etl.sync.verify.rolling import prove
from protime_etl.sync.verify.verify import verify
from tests.support.difficult import Quota
from tests.support.tenant import TODAY, serve, settings_for
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=19)
QUOTA = FaultPlan(rate_limit=RateLimit(requests=12, seconds=1, retry_after=1))
HOW_MANY = 200
PAGE = 10
MINE = "tenant = 'simulated'"
MINE_READ = f"{MINE} AND collection <> 'shadow'"


@pytest.fixture(autouse=True)
def no_pause_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is a long pause: no transaction and no lock is held over it."""
    monkeypatch.setattr(client, "LOCKED_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(pipeline_module, "LONGEST_WAIT_INSIDE", 0.1)


@pytest.fixture
def many() -> Iterator[SimulatedTenant]:
    with serve(people=HOW_MANY, first_day=TODAY, page_size=PAGE, empty_page_every=0) as served:
        yield served


@pytest.fixture
def days() -> Iterator[SimulatedTenant]:
    with serve(people=10, first_day=FIRST, page_size=PAGE, empty_page_every=0) as served:
        yield served


def test_a_list_goes_on_behind_its_last_page(many: SimulatedTenant, warehouse: URL, engine: Engine) -> None:
    with open_pipeline(settings_for(many), warehouse) as pipeline:
        many.served.misbehaviour.follow(QUOTA)
        read_people(pipeline)
        assert table_rows(engine, "people").keys() == tenant_rows(many.tenant, "people").keys()
        assert many.served.requests["people"] - many.served.requests["refused"] == HOW_MANY / PAGE


def test_an_answer_that_comes_after_its_reading_was_given_up_changes_nothing(
    many: SimulatedTenant, warehouse: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protime_etl.sync.read.prefetch.PATIENCE_SECONDS", 0.1)
    with open_pipeline(settings_for(many), warehouse) as pipeline:
        whole = list(pipeline.client.answers(PEOPLE))
        many.served.misbehaviour.follow(FaultPlan(fault=(Fault(kind="slow", seconds=1.5, on=("people",), at=(2,)),)))
        before = many.served.requests["people"]
        with closing(KeptPages(pipeline.client, PEOPLE)) as pages:
            given_up = prefetch(pages)
            next(given_up)
            while many.served.requests["people"] < before + 2:
                time.sleep(0.01)
            given_up.close()
            assert list(pages) == whole
            time.sleep(2)
            assert list(pages) == whole


def test_records_that_were_asked_for_by_their_ids_are_not_asked_for_again(
    many: SimulatedTenant, warehouse: URL
) -> None:
    with open_pipeline(settings_for(many), warehouse) as pipeline:
        read_people(pipeline)
        gone = sorted(tenant_rows(many.tenant, "people"))[:15]
        for one in gone:
            many.tenant.remove_record("people", one)
        before = many.served.requests["people"]
        many.served.misbehaviour.follow(QUOTA)
        counts = read_people(pipeline)
        assert counts.deleted == len(gone)
        assert many.served.requests["people"] - before < HOW_MANY / PAGE + len(gone) + 10


def test_a_paging_token_that_dies_starts_the_list_over(many: SimulatedTenant, warehouse: URL, engine: Engine) -> None:
    with open_pipeline(settings_for(many), warehouse) as pipeline:
        fault = Fault(kind="expire", on=("people",), at=(14,))
        many.served.misbehaviour.follow(FaultPlan(fault=(fault,), rate_limit=QUOTA.rate_limit))
        read_people(pipeline)
        assert table_rows(engine, "people").keys() == tenant_rows(many.tenant, "people").keys()


def test_a_verification_keeps_its_pages(days: SimulatedTenant, warehouse: URL) -> None:
    with open_pipeline(settings_for(days), warehouse) as pipeline:
        sync(pipeline, FIRST, TODAY)
        before = days.served.requests.copy()
        days.served.misbehaviour.follow(QUOTA)
        found = verify(pipeline, CLOCKINGS, FIRST, TODAY)
        assert found.agrees
        asked = days.served.requests["clockings"] - before["clockings"]
        refused = days.served.requests["refused"] - before["refused"]
        assert asked - refused <= -(-len(days.tenant.truth()) // PAGE) + found.units, "the last page of each window"
        assert asked > 24, "it takes more than two quotas"


def test_a_proof_keeps_its_pages(days: SimulatedTenant, warehouse: URL) -> None:
    with open_pipeline(settings_for(days), warehouse) as pipeline:
        sync(pipeline, FIRST, TODAY)
        days.served.misbehaviour.follow(QUOTA)
        done = prove(pipeline, requests=100)
        assert done.windows
        assert not done.failures
        assert done.differences == 0


def test_a_list_that_only_asks_to_wait_ends(many: SimulatedTenant, warehouse: URL) -> None:
    fault = Fault(kind="status", status=429, retry_after=1, on=("people",), count=10**6)
    with open_pipeline(settings_for(many), warehouse) as pipeline:
        many.served.misbehaviour.follow(FaultPlan(fault=(fault,)))
        with pytest.raises(RateLimited):
            read_people(pipeline)
        assert many.served.requests["people"] <= pipeline_module.WAITS_IN_VAIN


def test_each_try_of_a_proof_ends_something(days: SimulatedTenant, warehouse: URL, engine: Engine) -> None:
    """As Airflow does it: a try ends with each pause, and the next one goes on with what is not proven yet."""
    with open_pipeline(settings_for(days), warehouse) as pipeline:
        sync(pipeline, FIRST, TODAY)
    with engine.begin() as connection:
        connection.execute(sa.text(f"DELETE FROM protime_etl.proof_days WHERE {MINE_READ}"))
        connection.execute(sa.text(f"UPDATE protime_etl.coverage SET proven = '{{}}' WHERE {MINE_READ}"))
    quota = Quota(days, 15)
    with open_pipeline(settings_for(days, max_wait_in_task=0), warehouse) as pipeline:
        while proven_days(engine) < 20:
            with suppress(RateLimited):
                prove(pipeline, requests=100)
            with engine.begin() as connection:
                connection.execute(sa.text(f"DELETE FROM protime_etl.pauses WHERE {MINE}"))
            quota.renew()
            assert quota.windows < 12
    assert quota.windows > 2


def proven_days(engine: Engine) -> int:
    with engine.connect() as connection:
        proven = f"SELECT count(*) FROM protime.proof WHERE proven_at IS NOT NULL AND {MINE_READ}"
        return int(connection.scalar(sa.text(proven)) or 0)
