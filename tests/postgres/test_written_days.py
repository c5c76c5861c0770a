"""The days that an asset event reports: all on which something was written, by any process, and each once."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.config import CLOCKINGS_SCOPE, Settings
from protime_etl.errors import ForbiddenError, ProtimeError
from protime_etl.postgres.ledger.written_days import DayReport, note_written, report_days
from protime_etl.postgres.load import merge
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.verify import repair, verify
from tests.protime.hostile import GOOD
from tests.support.databases import execute
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tenant import TODAY, settings_for

WEEK = [TODAY - dt.timedelta(days=n) for n in range(6, -1, -1)]
REFUSED = read_plan('[[fault]]\nkind = "status"\nstatus = 403\nrate = 1.0\non = ["clockings"]')
CHANGES = "protime_clockings_changes"
NEVER = DayReport([], all_days=True, anything=False)


def poll_clockings(pipeline: Pipeline) -> None:
    poll(pipeline, CLOCKINGS)


def event_days(pipeline: Pipeline, task: str, asset: str = "protime_clockings") -> DayReport:
    with pipeline.transaction() as connection:
        return report_days(connection, pipeline.tenant, asset, task, delta_alone=asset == CHANGES)


def note(engine: Engine, *days: dt.date, all_days: bool = True) -> None:
    with engine.begin() as connection:
        note_written(connection, "simulated", days, all_days=all_days, by_delta=False)


def read_week(pipeline: Pipeline) -> None:
    sync(pipeline, WEEK[0], WEEK[-1])


def move(simulated: SimulatedTenant) -> list[str]:
    """Move a clocking of the week by a day; both days."""
    moved = next(one for one in simulated.tenant.truth() if one.date == WEEK[2])
    simulated.tenant.edit(moved.id, date=WEEK[3])
    return [str(WEEK[2]), str(WEEK[3])]


def test_a_first_load_is_reported_once_and_again_to_the_task_that_asked(
    pipeline: Pipeline, simulated: SimulatedTenant
) -> None:
    read_week(pipeline)
    first = event_days(pipeline, "publish of monday")
    worked = sorted({str(one.date) for one in simulated.tenant.truth() if one.date >= WEEK[0]})
    assert first == DayReport(worked, all_days=True, anything=True)
    assert event_days(pipeline, "publish of tuesday") == NEVER
    assert event_days(pipeline, "publish of monday") == first  # its first try has died
    assert event_days(pipeline, "publish of monday", CHANGES) == NEVER


def test_days_that_were_not_asked_for_are_reported_if_they_come(warehouse: URL) -> None:
    answer = {"value": [GOOD, {**GOOD, "id": 2, "date": str(WEEK[2])}]}
    with (
        ScriptedServer([Answer(200, answer)]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        assert sync(pipeline, TODAY, TODAY, [7])[0].inserted == 2
        assert event_days(pipeline, "publish") == DayReport([str(WEEK[2]), GOOD["date"]], all_days=True, anything=True)


def test_each_asset_gets_all_days(pipeline: Pipeline) -> None:
    read_week(pipeline)
    first = event_days(pipeline, "publish")
    assert event_days(pipeline, "publish", "another_asset") == first
    assert event_days(pipeline, "publish", "another_asset") == first
    assert event_days(pipeline, "later", "another_asset") == NEVER


def test_a_load_of_many_records_reports_all_its_days_unless_some_may_have_moved(
    pipeline: Pipeline, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "MOST_CELLS", 3)
    poll(pipeline, CLOCKINGS)  # beside a delta nothing is copied straight into the table
    execute(pipeline.engine.url, "DELETE FROM protime.clockings WHERE tenant <> 'shadow'")
    event_days(pipeline, "first")
    read_week(pipeline)
    assert event_days(pipeline, "second") == DayReport([str(day) for day in WEEK], all_days=True, anything=True)
    for one in simulated.tenant.truth()[-9:]:
        simulated.tenant.edit(one.id, time_of_day_in_minutes=602)
    read_week(pipeline)
    assert event_days(pipeline, "third") == DayReport([str(day) for day in WEEK], all_days=False, anything=True)


def test_a_record_that_moves_is_reported_with_both_days(pipeline: Pipeline, simulated: SimulatedTenant) -> None:
    read_week(pipeline)
    event_days(pipeline, "first")
    days = move(simulated)
    read_week(pipeline)
    read_week(pipeline)  # a unit that is repeated finds nothing to write: what it wrote before is reported nevertheless
    assert event_days(pipeline, "next") == DayReport(days, all_days=True, anything=True)


def test_a_night_that_failed_is_reported_by_the_next(pipeline: Pipeline, simulated: SimulatedTenant) -> None:
    read_week(pipeline)
    event_days(pipeline, "first")
    days = move(simulated)
    sync(pipeline, WEEK[0], WEEK[4])
    simulated.served.misbehaviour.follow(REFUSED)
    with pytest.raises(ProtimeError):
        read_week(pipeline)
    simulated.served.misbehaviour.follow(read_plan(""))
    read_week(pipeline)
    assert event_days(pipeline, "next").days == days


def test_a_repair_is_reported(pipeline: Pipeline, engine: Engine, simulated: SimulatedTenant) -> None:
    read_week(pipeline)
    event_days(pipeline, "first")
    lost = next(one for one in simulated.tenant.truth() if one.date == WEEK[4])
    execute(engine.url, f"DELETE FROM protime.clockings WHERE tenant <> 'shadow' AND id = {lost.id}")
    assert repair(pipeline, verify(pipeline, CLOCKINGS, WEEK[0], WEEK[-1])).written == 1
    assert event_days(pipeline, "next") == DayReport([str(WEEK[4])], all_days=True, anything=True)


def test_what_a_poll_brought_is_reported_though_it_failed_later_on(
    warehouse: URL,
) -> None:
    tenant = Tenant(seed=1, people=2, first_day=WEEK[0], last_day=WEEK[-1])
    with (
        SimulatedTenant(tenant, Options(page_size=4, empty_page_every=0)) as simulated,
        open_pipeline(settings_for(simulated), warehouse) as pipeline,
    ):
        poll(pipeline, CLOCKINGS)
        workdays = [str(day) for day in WEEK[2:]]
        assert event_days(pipeline, "first", CHANGES).days == workdays
        edited, gone = (next(one for one in tenant.truth() if one.date == day) for day in (WEEK[2], WEEK[6]))
        tenant.edit(edited.id, time_of_day_in_minutes=601)
        tenant.hard_delete(gone.id)  # it is asked for by its id
        simulated.served.misbehaviour.follow(REFUSED)
        with pytest.raises(ForbiddenError):
            poll(pipeline, CLOCKINGS)
        simulated.served.misbehaviour.follow(read_plan(""))
        assert (poll(pipeline, CLOCKINGS).counts.updated, poll(pipeline, CLOCKINGS).counts.written) == (0, 0)
        assert event_days(pipeline, "next", CHANGES) == DayReport(
            [workdays[0], workdays[-1]], all_days=True, anything=True
        )
        # The event of the table reports it, too, the load included.
        assert event_days(pipeline, "night").days == workdays


def test_of_many_days_the_newest_are_reported(pipeline: Pipeline, engine: Engine) -> None:
    note(engine, *(TODAY - dt.timedelta(days=n) for n in range(500)))
    found = event_days(pipeline, "publish")
    assert (len(found.days), found.days[-1], found.all_days) == (400, str(TODAY), False)


def test_days_that_are_not_known_one_by_one_are_reported_as_such(pipeline: Pipeline, engine: Engine) -> None:
    note(engine, WEEK[0])
    note(engine, WEEK[0], WEEK[1], all_days=False)
    assert event_days(pipeline, "publish") == DayReport([str(WEEK[0]), str(WEEK[1])], all_days=False, anything=True)


@pytest.mark.parametrize("work", [read_week, poll_clockings])
def test_what_was_written_a_year_ago_is_forgotten(
    pipeline: Pipeline, engine: Engine, work: Callable[[Pipeline], object]
) -> None:
    note(engine, WEEK[0])
    event_days(pipeline, "publish")
    execute(
        engine.url,
        "UPDATE protime_etl.written_days SET written_at = now() - interval '370 days' WHERE tenant <> 'shadow'",
    )
    note(engine, WEEK[1])
    work(pipeline)
    assert event_days(pipeline, "publish", "another_asset").anything
    with engine.connect() as connection:
        kept = connection.scalars(
            sa.text("SELECT days FROM protime_etl.written_days WHERE tenant <> 'shadow' ORDER BY note_id")
        ).all()
        assert [WEEK[0]] not in kept
        assert kept[0] == [WEEK[1]]
        assert connection.scalar(
            sa.text("SELECT count(*) FROM protime_etl.reported_days WHERE task = 'publish'")
        ) == len(kept)


def test_two_tasks_that_ask_at_once_report_each_day_once(settings: Settings, warehouse: URL, engine: Engine) -> None:
    for day in WEEK:
        note(engine, day)
    answers: list[DayReport] = []

    def ask(task: str) -> None:
        with open_pipeline(settings, warehouse) as pipeline:
            answers.append(event_days(pipeline, task))

    threads = [threading.Thread(target=ask, args=(f"publish {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(day for answer in answers for day in answer.days) == [str(day) for day in WEEK]
