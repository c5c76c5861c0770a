"""The events that the tasks leave for Airflow to send when they succeed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.execution_time.context import OutletEventAccessors
from sqlalchemy.engine import Engine

from protime_etl.airflow import (
    ProtimeChangesToPostgresOperator,
    ProtimeClockingsToPostgresOperator,
    ProtimeFinishOperator,
    ProtimePlanOperator,
    ProtimeProveOperator,
)
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.errors import ForbiddenError
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import sync
from tests.airflow.test_operators import FIRST, context
from tests.support.databases import execute
from tests.support.tenant import TODAY

pytestmark = pytest.mark.airflow
NIGHTLY = Asset(name="protime_clockings", uri="protime://warehouse/protime/clockings")
CHANGES = Asset(name="protime_clockings_changes", uri="protime://warehouse/protime/clockings/changes")
REPAIRED = AssetAlias(name="protime_clockings_repaired")
REFUSED = read_plan('[[fault]]\nkind = "status"\nstatus = 403\nrate = 1.0\non = ["clockings"]')


def carried_out(task: Any, pipeline: Pipeline, run_id: str) -> OutletEventAccessors:
    """What a try of the task in that run leaves; it is sent if the task succeeds."""
    given = context()
    given["dag_run"].run_id = run_id
    given["outlet_events"] = OutletEventAccessors()
    task.carry_out(pipeline, given)
    events: OutletEventAccessors = given["outlet_events"]
    return events


def test_each_asset_of_a_task_gets_the_same_event(pipeline: Pipeline, simulated: SimulatedTenant) -> None:
    mine = Asset(name="mine", uri="protime://mine")
    read_people(pipeline)
    plan = ProtimePlanOperator(task_id="plan", lookback_days=(TODAY - FIRST).days)
    given = context()
    units: Any = plan.carry_out(pipeline, given)
    ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=units).carry_out(pipeline, given)
    finish = ProtimeFinishOperator(task_id="publish", run_id=given["ti"].values["run_id"], outlets=[NIGHTLY, mine])
    events = carried_out(finish, pipeline, "a_run")
    assert events[NIGHTLY].extra == events[mine].extra
    assert events[mine].extra["days"] == sorted({str(one.date) for one in simulated.tenant.truth()})
    again = carried_out(finish, pipeline, "a_run")  # the first try has died, or the task was cleared
    assert again[mine].extra == events[mine].extra
    assert carried_out(finish, pipeline, "another_run")[mine].extra["days"] == []


def test_what_a_proof_repaired_before_it_died_is_reported_by_its_next_try(
    pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    publish = ProtimeFinishOperator(task_id="publish", run_id=1, outlets=[NIGHTLY])
    carried_out(publish, pipeline, "first_night")
    lost = next(one for one in simulated.tenant.truth() if one.date < TODAY - dt.timedelta(days=7))
    of_the_night = next(one for one in simulated.tenant.truth() if one.date == TODAY - dt.timedelta(days=7))
    gone = f"{lost.id}, {of_the_night.id}"
    execute(engine.url, f"DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id IN ({gone})")
    prove = ProtimeProveOperator(task_id="prove", requests=20, repaired=NIGHTLY, outlets=[REPAIRED])
    for _ in range(2):
        (event,) = carried_out(prove, pipeline, "second_night")[REPAIRED].asset_alias_events
        assert event.extra["days"] == [str(lost.date)]
    assert carried_out(prove, pipeline, "third_night")[REPAIRED].asset_alias_events == []
    simulated.served.misbehaviour.follow(read_plan('[[fault]]\nkind = "status"\nstatus = 400\nrate = 1.0'))
    with pytest.raises(AirflowFailException, match="status 400"):
        carried_out(prove, pipeline, "fourth_night")


def test_what_a_failed_poll_brought_is_reported_by_the_next_and_by_the_night(
    pipeline: Pipeline, simulated: SimulatedTenant
) -> None:
    sync(pipeline, FIRST, TODAY)
    poll(pipeline, CLOCKINGS)
    publish = ProtimeFinishOperator(task_id="publish", run_id=1, outlets=[NIGHTLY])
    changes = ProtimeChangesToPostgresOperator(task_id="changes", outlets=[CHANGES])
    carried_out(publish, pipeline, "first_night")
    with pytest.raises(AirflowSkipException):
        carried_out(changes, pipeline, "first_poll")

    edited, gone, *_ = simulated.tenant.truth()
    simulated.tenant.edit(edited.id, time_of_day_in_minutes=601)
    simulated.tenant.hard_delete(gone.id)
    simulated.served.misbehaviour.follow(REFUSED)
    with pytest.raises(ForbiddenError):
        carried_out(changes, pipeline, "second_poll")
    simulated.served.misbehaviour.follow(read_plan(""))
    days = sorted({str(edited.date), str(gone.date)})
    assert carried_out(changes, pipeline, "third_poll")[CHANGES].extra["days"] == days
    with pytest.raises(AirflowSkipException):
        carried_out(changes, pipeline, "fourth_poll")
    assert carried_out(publish, pipeline, "second_night")[NIGHTLY].extra["days"] == days
