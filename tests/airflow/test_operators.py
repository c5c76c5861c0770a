"""What the operators do with units; that Airflow runs them is tested with Airflow itself (end_to_end)."""

from __future__ import annotations

import datetime as dt
import re
import runpy
import threading
import time
import traceback
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException, AirflowSkipException
from airflow.utils.types import DagRunType
from sqlalchemy.engine import URL, Engine
from tenacity import wait_none

from protime_etl.airflow import (
    ProtimeBackfillPlanOperator,
    ProtimeClockingsToPostgresOperator,
    ProtimeDeltaAgeOperator,
    ProtimeFinishOperator,
    ProtimePeopleToPostgresOperator,
    ProtimePlanOperator,
    ProtimeVerifyOperator,
)
from protime_etl.airflow.operators.mapping import deal
from protime_etl.errors import (
    DeletionsWithheldError,
    ForbiddenError,
    OlderVersionsError,
    OvertakenError,
    ProtimeError,
    RateLimited,
    ServerError,
    SettingsError,
    UnreadableError,
)
from protime_etl.postgres.forget import forget_tenant, held_of
from protime_etl.postgres.ledger import runs as ledger
from protime_etl.postgres.ledger.people import known_people
from protime_etl.postgres.ledger.sources import register_source
from protime_etl.protime import retrying
from protime_etl.simulator.faults import FaultPlan, read_plan
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.standalone.environment import dags_folder
from protime_etl.sync.deletion_limit import DeletionLimit
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.plan.days import local_day
from protime_etl.sync.plan.request import select
from protime_etl.sync.plan.slices import windows
from protime_etl.sync.pull.lists import read_people
from protime_etl.work import DagRun, RunKind, Slice, Unit
from tests.support.difficult import answer_again, refuse_lists
from tests.support.tenant import TODAY, settings_for
from tests.support.truth import table_rows, tenant_rows

pytestmark = pytest.mark.airflow
FIRST = TODAY - dt.timedelta(days=13)


class Pushed:
    """Keeps what a task leaves in XCom."""

    task = SimpleNamespace(inlets=[], outlets=[])
    """Of which Airflow is asked whether the assets are active."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get_first_reschedule_date(self, _context: Any) -> None:
        return None

    def xcom_push(self, key: str, value: Any) -> None:
        self.values[key] = value


NOON = dt.datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=dt.UTC)


def context(logical_date: dt.datetime | None = None, run_type: DagRunType = DagRunType.MANUAL) -> Any:
    run = SimpleNamespace(dag_id="a_dag", run_id="a_run", logical_date=logical_date, run_after=NOON, run_type=run_type)
    return {"dag_run": run, "ti": Pushed()}


def plan(pipeline: Pipeline, **form: Any) -> Any:
    given = {"first_day": str(FIRST)} | form
    return ProtimeBackfillPlanOperator(task_id="plan", **given).carry_out(pipeline, context())


def pull(pipeline: Pipeline, unit_id: int | list[int]) -> dict[str, int]:
    return ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit_id).carry_out(pipeline, context())


def planned(pipeline: Pipeline, number: int) -> list[int]:
    """Units of a few days each, entered as the plan of some run would."""
    read_people(pipeline)
    with pipeline.engine.begin() as connection:
        people = known_people(connection, pipeline.settings.tenant)
        register_source(connection, pipeline.settings)
        cut = [Slice(people, *window, "clockings") for window in windows(FIRST, TODAY, number)]
        _, units = ledger.open_run(
            connection, pipeline.settings.tenant, RunKind.SYNC, select(pipeline, FIRST, TODAY), cut
        )
    return [unit.unit_id for unit in units]


def statuses(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(
            connection.execute(
                sa.text("SELECT status FROM protime_etl.units WHERE error IS DISTINCT FROM 'shadow' ORDER BY unit_id")
            ).scalars()
        )


def misbehave(simulated: SimulatedTenant, fault: str) -> None:
    simulated.served.misbehaviour.follow(read_plan(f'[[fault]]\non = ["clockings"]\n{fault}'))


@pytest.mark.usefixtures("connections")
def test_people_are_read_where_they_are_chosen_alone(simulated: SimulatedTenant) -> None:
    """The scopes follow from the collections: for people who are not chosen the tenant would answer 403."""
    read = [
        ProtimePeopleToPostgresOperator(task_id="people", collections=chosen).execute(context())
        for chosen in ("clockings people", "clockings")
    ]
    assert [counts["rows_read"] for counts in read] == [len(simulated.tenant.records("people")), 0]
    assert simulated.served.requests["refused"] == 0


@pytest.mark.parametrize(
    ("units", "concurrency", "most", "expected"),
    [
        ([1, 2, 3], None, 3, [1, 2, 3]),
        ([1, 2, 3, 4, 5], None, 3, [[1, 4], [2, 5], [3]]),
        ([1, 2, 3, 4, 5], 2, 1024, [[1, 3, 5], [2, 4]]),
        ([1, 2], 8, 1024, [[1], [2]]),
        ([1, 2, 3], 8, 2, [[1, 3], [2]]),
        ([], None, 1024, []),
        ([], 4, 1024, []),
    ],
)
def test_units_are_dealt(units: list[int], concurrency: int | None, most: int, expected: Sequence[object]) -> None:
    day = dt.date(2026, 3, 1)
    assert (
        deal([Unit(one, 1, "simulated", "clockings", (100001,), day, day) for one in units], concurrency, most)
        == expected
    )


def test_units_are_dealt_so_that_each_list_has_as_much_to_read() -> None:
    day = dt.date(2026, 3, 1)
    units = [
        Unit(one, 1, "simulated", "clockings", tuple(range(people)), day, day)
        for one, people in enumerate([9, 5, 4, 3, 3])
    ]
    assert deal(units, 2, 1024) == [[0, 3], [1, 2, 4]]


def test_the_plan_of_a_night_gives_lists_where_airflow_maps_over_no_more(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_people(pipeline)
    nightly = ProtimePlanOperator(task_id="plan", lookback_days=3000)
    assert all(isinstance(one, int) for one in nightly.carry_out(pipeline, context()))
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "2")
    lists = nightly.carry_out(pipeline, context())
    assert [isinstance(one, list) for one in lists] == [True, True]
    for one in lists:
        pull(pipeline, one)
    assert table_rows(engine) == tenant_rows(simulated.tenant)


def test_a_first_night_has_no_more_tasks_than_batches_and_the_next_knows_the_pages(
    pipeline: Pipeline, engine: Engine
) -> None:
    """Nothing plans the tasks of a run again, so none is small for the sake of learning how large a page is."""
    read_people(pipeline)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO protime.people (tenant, id, change_version)"
                " SELECT 'simulated', 200000 + n, '' FROM generate_series(1, 4600) AS n"
            )
        )
    nightly = ProtimePlanOperator(task_id="plan", lookback_days=9)
    assert len(nightly.carry_out(pipeline, context())) <= 13

    (short,) = plan(pipeline, people="100001")
    pull(pipeline, short)
    assert len(nightly.carry_out(pipeline, context())) <= 13, "the only page of a unit need not be full"

    (unit,) = plan(pipeline, people="100001,100002,100003")
    pull(pipeline, unit)
    with engine.connect() as connection:
        assert (
            connection.scalar(
                sa.text(
                    "SELECT page_size FROM protime_etl.collection_state"
                    " WHERE 'shadow' NOT IN (tenant, collection) AND collection = 'clockings'"
                )
            )
            == 100
        )


@pytest.mark.parametrize(("given", "days"), [(3, 3), ("3", 3), ("3.0", 3), (3.0, 3), ("0", 0)])
def test_a_whole_number_may_be_written_as_json_does(
    pipeline: Pipeline, engine: Engine, given: int | str, days: int
) -> None:
    read_people(pipeline)
    ProtimePlanOperator(task_id="plan", lookback_days=given).carry_out(pipeline, context())
    assert len(plan(pipeline, concurrency="1.0")) == 1
    with engine.connect() as connection:
        first = connection.scalar(
            sa.text("SELECT date_from FROM protime_etl.runs WHERE tenant <> 'shadow' ORDER BY run_id")
        )
    assert first == TODAY - dt.timedelta(days=days)


@pytest.mark.parametrize(("run_type", "days"), [(DagRunType.SCHEDULED, 3), (DagRunType.BACKFILL_JOB, 0)])
def test_a_run_reads_the_days_up_to_the_moment_that_it_stands_for(
    pipeline: Pipeline, engine: Engine, run_type: DagRunType, days: int
) -> None:
    """However late it starts; one of `airflow backfill create` reads that day only, as the others have their own."""
    read_people(pipeline)
    earlier = NOON - dt.timedelta(days=5)
    ProtimePlanOperator(task_id="plan", lookback_days=3).carry_out(pipeline, context(earlier, run_type))
    with engine.connect() as connection:
        (run,) = connection.execute(
            sa.text("SELECT date_from, date_to FROM protime_etl.runs WHERE tenant <> 'shadow'")
        ).all()
    assert tuple(run) == (earlier.date() - dt.timedelta(days=days), earlier.date())


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (ProtimePlanOperator(task_id="a", lookback_days="3.5"), "lookback_days '3.5' is not a whole number from 0"),
        (ProtimePlanOperator(task_id="a", lookback_days=-1), "lookback_days '-1' is not a whole number"),
        (ProtimePlanOperator(task_id="a", lookback_days="1e9"), "lookback_days '1e9' is not a whole number"),
        (ProtimeVerifyOperator(task_id="a", lookback_days="week"), "lookback_days 'week' is not a whole number"),
        (ProtimeVerifyOperator(task_id="a", lookback_days="nan"), "lookback_days 'nan' is not a whole number"),
        (
            ProtimeBackfillPlanOperator(task_id="a", first_day=str(FIRST), concurrency="2.5"),
            "Concurrency '2.5' is not a whole number from 1",
        ),
        (
            ProtimeBackfillPlanOperator(task_id="a", first_day=str(FIRST), concurrency=0),
            "Concurrency '0' is not a whole number from 1",
        ),
        (ProtimeDeltaAgeOperator(task_id="a", hours="x"), "hours 'x' is not a number from 0"),  # type: ignore[arg-type]
        (ProtimeClockingsToPostgresOperator(task_id="a", unit_id=[0]), "unit_id '0' is not a whole number"),
        (ProtimeFinishOperator(task_id="a", run_id="1.5"), "run_id '1.5' is not a whole number"),
        (ProtimeFinishOperator(task_id="a", run_id="None"), "No run was planned"),
    ],
)
def test_a_number_that_makes_no_sense_fails_at_once(operator: BaseOperator, message: str) -> None:
    with pytest.raises(AirflowFailException, match=re.escape(message)):
        operator.execute(context())


@pytest.mark.usefixtures("connections")
def test_a_task_has_its_name_before_it_asks(pipeline: Pipeline) -> None:
    units = planned(pipeline, 4)
    named = ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=units[0]).map_label()
    assert re.fullmatch(r"2026-03-\d\d\.\.2026-03-\d\d, people 100001-100020 \(20\)", named), named
    assert ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=units).map_label() == f"{named} and 3 more units"
    assert ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=units[:2]).map_label().endswith(" 1 more unit")
    assert ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=999_999).map_label() == ""
    for name in ("nightly", "backfill"):
        dag = runpy.run_path(str(dags_folder() / f"protime_clockings_{name}.py"))["dag"]
        template = dag.get_template_env().from_string(dag.task_dict["pull_clockings"].map_index_template)
        task = ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=units[0])
        assert template.render(task=task) == named, "before it is run"
        assert template.render(task=task, unit="that one") == "that one", "when it has begun"


@pytest.mark.usefixtures("connections")
def test_a_known_error_is_one_line_and_a_short_traceback(
    pipeline: Pipeline,
    simulated: SimulatedTenant,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_people(pipeline)
    monkeypatch.setattr(retrying, "_jitter", wait_none())
    unit = plan(pipeline)[0]
    misbehave(simulated, 'kind = "status"\nstatus = 503\nrate = 1.0')
    with pytest.raises(ServerError) as failed:
        ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit).execute(context())
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    shown = "".join(traceback.format_exception(failed.value)[1:])
    assert "tenacity" not in shown
    assert f"] {failed.value} [" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.usefixtures("connections")
def test_a_long_wait_is_logged_in_one_line_and_is_no_failure(
    pipeline: Pipeline, simulated: SimulatedTenant, capsys: pytest.CaptureFixture[str]
) -> None:
    read_people(pipeline)
    misbehave(simulated, 'kind = "status"\nstatus = 503\nretry_after = 3600\nrate = 1.0')
    unit = plan(pipeline)[0]
    operator = ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit)
    with pytest.raises(AirflowRescheduleException) as waiting:
        operator.execute(context())
    assert waiting.value.reschedule_date > dt.datetime.now(dt.UTC) + dt.timedelta(minutes=59)
    assert waiting.value.__suppress_context__
    assert f"] {waiting.value} [" in capsys.readouterr().out.splitlines()[-1]
    # The pause holds for all: the next task asks nothing, and a deadline before its end is no wait but a failure.
    asked = simulated.served.requests.total()
    with pytest.raises(AirflowFailException, match=r"deadline: 0:30:00"):
        ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit, deadline=dt.timedelta(minutes=30)).execute(
            context()
        )
    assert simulated.served.requests.total() == asked


@pytest.mark.usefixtures("connections")
def test_what_was_read_is_logged_in_a_sentence(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    read_people(pipeline)
    pull(pipeline, plan(pipeline)[0])
    printed = capsys.readouterr().out
    assert re.search(r"\d+ requests, \d+ rows read, \d+ inserted \[", printed), printed
    assert "Counts(" not in printed


def test_a_form_becomes_units_and_those_rows(pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine) -> None:
    read_people(pipeline)
    pipeline.dag_run = DagRun("a_dag", "a_run")
    units = plan(pipeline, concurrency="2", last_day="None", people="None", only_missing="False")
    for one in units:
        pull(pipeline, one)
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert plan(pipeline, only_missing="True") == []
    with engine.connect() as connection:
        runs = connection.execute(
            sa.text(
                "SELECT kind, started_by, dag_id, dag_run_id, date_to FROM protime_etl.runs WHERE tenant <> 'shadow'"
            )
        ).all()
    assert {tuple(run) for run in runs} == {("backfill", "airflow", "a_dag", "a_run", TODAY)}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"last_day": "2020-01-01"}, "before it begins"),
        ({"first_day": "2999-01-01", "last_day": "2999-01-02"}, "after today"),
        ({"first_day": "tomorrow"}, "is not a date"),
        ({"people": "1,x"}, "People '1,x' is not a list of ids"),
        ({"people": "1", "circles": "2"}, "Circles cannot be combined"),
        ({"circles": "2", "only_missing": "True"}, "Circles cannot be combined"),
        ({"people": "100001,7"}, "No person at simulated has the id 7"),
    ],
)
def test_a_form_that_makes_no_sense(
    pipeline: Pipeline, simulated: SimulatedTenant, form: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        plan(pipeline, **form)
    assert simulated.served.requests["clockings"] == 0


def test_people_are_not_read_for_those_who_are_named(pipeline: Pipeline, simulated: SimulatedTenant) -> None:
    with pytest.raises(AirflowSkipException):
        ProtimePeopleToPostgresOperator(task_id="people", named="100001").carry_out(pipeline, context())
    assert len(plan(pipeline, circles="2")) == 1
    assert simulated.served.requests["people"] == 0


def test_a_failed_unit_of_a_list_is_repeated_alone(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine
) -> None:
    units = planned(pipeline, 4)
    misbehave(simulated, 'kind = "expire"\nat = [2, 4, 6]')
    with pytest.raises(ProtimeError, match="1 of 4 units failed"):
        pull(pipeline, units)
    assert sorted(statuses(engine)) == ["done", "done", "done", "failed"]
    simulated.served.misbehaviour.follow(FaultPlan())
    before = simulated.served.requests["clockings"]
    assert pull(pipeline, units)["requests"] == simulated.served.requests["clockings"] - before > 0
    assert set(statuses(engine)) == {"done"}
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert pull(pipeline, units)["requests"] == 0, "nothing is left of the list"
    assert pull(pipeline, units[0])["requests"] > 0, "one unit is read again whenever its task is cleared"


def test_what_no_retry_cures_ends_a_list(pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine) -> None:
    units = planned(pipeline, 4)
    misbehave(simulated, 'kind = "status"\nstatus = 403\nrate = 1.0')
    with pytest.raises(ForbiddenError):
        pull(pipeline, units)
    assert statuses(engine) == ["failed", "planned", "planned", "planned"]
    with engine.connect() as connection:
        run_id = connection.scalar(sa.text("SELECT run_id FROM protime_etl.runs WHERE tenant <> 'shadow'"))
    with pytest.raises(AirflowFailException, match="4 of 4 units are not done"):
        ProtimeFinishOperator(task_id="publish", run_id=run_id).carry_out(pipeline, context())


def test_a_task_that_has_to_wait_gives_the_slot_back(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine
) -> None:
    units = planned(pipeline, 4)
    misbehave(simulated, 'kind = "status"\nstatus = 429\nretry_after = 3600\ncount = 1')
    with pytest.raises(RateLimited):
        pull(pipeline, units)
    assert statuses(engine) == ["failed", "planned", "planned", "planned"]


def test_what_cannot_be_read_is_named_and_the_next_try_asks_for_it_alone(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "_jitter", wait_none())
    (unit,) = planned(pipeline, 1)
    victim = next(one for one in simulated.tenant.truth() if one.person.id == 100_007)
    refuse_lists(simulated.tenant, lambda _, found: any(one.id == victim.id for one in found))
    with pytest.raises(UnreadableError, match=f"person 100007 on {victim.date} cannot be read") as caught:
        pull(pipeline, unit)
    assert caught.value.retry, "Airflow tries again"
    place = (100_007, str(victim.date))
    others = {k: v for k, v in tenant_rows(simulated.tenant).items() if (v["person_id"], v["date"]) != place}
    assert table_rows(engine) == others
    answer_again(simulated.tenant)
    assert pull(pipeline, unit)["requests"] == 1
    assert table_rows(engine) == tenant_rows(simulated.tenant)


@pytest.mark.parametrize(("accepted", "deleted"), [("False", 0), ("True", 100)])
def test_what_vanished_at_once_is_accepted_by_a_parameter(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine, accepted: str, deleted: int
) -> None:
    (unit,) = planned(pipeline, 1)
    pull(pipeline, unit)
    for one in [one.id for one in simulated.tenant.truth() if one.status != "Deleted"][:100]:
        simulated.tenant.hard_delete(one)
    again = ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit, accept_deletions=accepted)
    if deleted:
        assert again.carry_out(pipeline, context())["deleted"] == deleted
    else:
        with pytest.raises(DeletionsWithheldError, match=r"100 of \d+ clockings"):
            again.carry_out(pipeline, context())
    assert statuses(engine) == ["done" if deleted else "failed"]


def test_people_who_vanished_at_once_fail_the_task(pipeline: Pipeline, simulated: SimulatedTenant) -> None:
    read_people(pipeline)
    pipeline.deletion_limit = DeletionLimit(3)
    for one in simulated.tenant.person_ids()[:4]:
        simulated.tenant.remove_record("people", one)
    with pytest.raises(AirflowFailException, match="4 of 20 people"):
        ProtimePeopleToPostgresOperator(task_id="people").carry_out(pipeline, context())
    pipeline.to_look_at.clear()  # the next task opens a pipeline of its own
    task = ProtimePeopleToPostgresOperator(task_id="people", accept_deletions="True")
    assert task.carry_out(pipeline, context())["deleted"] == 4


def test_a_task_under_way_fails_for_good_when_its_tenant_is_forgotten(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine
) -> None:
    units = planned(pipeline, 3)
    slow = read_plan('fault = [{kind = "slow", seconds = 0.5, rate = 1.0, on = ["clockings"]}]')
    simulated.served.misbehaviour.follow(slow)
    forgetting = threading.Thread(target=lambda: forget_tenant(engine, "simulated"))
    before = simulated.served.requests["clockings"]
    ended: list[BaseException] = []

    def run() -> None:
        try:
            pull(pipeline, units)
        except ProtimeError as error:
            ended.append(error)

    under_way = threading.Thread(target=run)
    under_way.start()
    while simulated.served.requests["clockings"] == before:
        time.sleep(0.02)
    forgetting.start()
    for thread in (under_way, forgetting):
        thread.join(60)
    (error,) = ended
    assert isinstance(error, OvertakenError)
    assert not error.retry, "Airflow tries it no more"
    assert table_rows(engine) == {}
    with engine.connect() as connection:
        assert held_of(connection, "simulated") == {}


@pytest.mark.parametrize("run_type", [DagRunType.SCHEDULED, DagRunType.BACKFILL_JOB])
def test_a_night_plans_the_days_to_come_of_plans(
    simulated: SimulatedTenant, warehouse: URL, engine: Engine, run_type: DagRunType
) -> None:
    now = dt.datetime.now(dt.UTC)
    with open_pipeline(settings_for(simulated, collections="clockings people absences"), warehouse) as pipeline:
        today = local_day(pipeline.settings, now)
        given = context(now, run_type)
        ProtimePlanOperator(task_id="plan", read_people=True).carry_out(pipeline, given)
    with engine.connect() as connection:
        lasts = connection.execute(
            sa.text(
                "SELECT u.collection, max(u.date_to) FROM protime_etl.units AS u JOIN protime_etl.runs AS r"
                " USING (run_id) WHERE r.tenant = 'simulated' GROUP BY 1"
            )
        ).all()
    assert {row[0]: row[1] for row in lasts} == {"clockings": today, "absences": today + dt.timedelta(days=92)}


@pytest.mark.usefixtures("connections")
def test_versions_that_went_back_are_taken_over_by_a_parameter(
    pipeline: Pipeline, simulated: SimulatedTenant, engine: Engine
) -> None:
    (unit,) = planned(pipeline, 1)
    pull(pipeline, unit)
    simulated.tenant.restore(simulated.tenant.backup(), lower=1_000_000)
    for accepted in ("False", "{{ params.accept_older }}"):  # a template that was not rendered accepts nothing
        task = ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit, accept_older=accepted)
        with pytest.raises(OlderVersionsError, match="--accept-older"):
            task.execute(context())
    assert statuses(engine) == ["failed"]
    ProtimePeopleToPostgresOperator(task_id="people", accept_older="True").execute(context())
    ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit, accept_older="True").execute(context())
    assert statuses(engine) == ["done"]
    assert table_rows(engine) == tenant_rows(simulated.tenant)
    assert table_rows(engine, "people") == tenant_rows(simulated.tenant, "people")
    assert "accept_older" in ProtimeClockingsToPostgresOperator.template_fields


@pytest.mark.parametrize("name", ["nightly", "backfill"])
def test_the_forms_ask_whether_older_versions_are_accepted(name: str) -> None:
    dag = runpy.run_path(str(dags_folder() / f"protime_clockings_{name}.py"))["dag"]
    assert dag.params.dump()["accept_older"] is False
    reading = {"nightly": ("plan_batches", "pull_clockings", "prove"), "backfill": ("sync_people", "pull_clockings")}
    for task_id in reading[name]:
        task = dag.get_task(task_id)
        given = task.unmap({"unit_id": 1}) if hasattr(task, "partial_kwargs") else task
        assert given.accept_older == "{{ params.accept_older }}", task_id
        assert "accept_older" in task.template_fields
