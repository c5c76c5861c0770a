"""Lineage, as OpenLineage's provider writes it to a file."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.transport.file import FileConfig, FileTransport
from sqlalchemy.engine import URL

from protime_etl.airflow import (
    ProtimeChangesToPostgresOperator,
    ProtimeClockingsToPostgresOperator,
    ProtimeFinishOperator,
    ProtimePlanOperator,
)
from protime_etl.simulator.server import SimulatedTenant
from tests.airflow.test_operators import FIRST, context
from tests.support.tenant import TODAY

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("connections")]


def emitted(operator: Any, folder: Path) -> dict[str, Any]:
    """The event that a client of OpenLineage writes of what the operator's extractor gives."""
    from airflow.providers.openlineage.extractors.manager import ExtractorManager

    manager: Any = ExtractorManager
    found = manager().extract_metadata(
        dagrun=SimpleNamespace(dag_id="d", run_id="r", conf={}),
        task=operator,
        task_instance_state="success",
        task_instance=SimpleNamespace(),
    )
    file = folder / "events.json"
    client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=str(file), append=True)))
    client.emit(
        RunEvent(
            eventType=RunState.COMPLETE,
            eventTime=dt.datetime.now(dt.UTC).isoformat(),
            run=Run(runId="01941f29-7c00-7087-8906-40e512c257bd"),
            job=Job(namespace="airflow", name=operator.task_id),
            inputs=list(found.inputs),
            outputs=list(found.outputs),
        )
    )
    event: dict[str, Any] = json.loads(file.read_text().splitlines()[-1])
    return event


def names(datasets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["namespace"], one["name"]) for one in datasets]


def test_what_was_read_became_those_tables(warehouse: URL, simulated: SimulatedTenant, tmp_path: Path) -> None:
    given: Any = context()
    plan = ProtimePlanOperator(task_id="plan", lookback_days=(TODAY - FIRST).days, read_people=True)
    units = plan.execute(given)
    event = emitted(plan, tmp_path)
    assert names(event["inputs"]) == [("protime://localhost", "people")]
    place = f"postgres://{warehouse.query['host']}:5432"  # as Airflow's own hook names it
    assert names(event["outputs"]) == [(place, f"{warehouse.database}.protime.people")]

    pull = ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=units)
    pull.execute(given)
    event = emitted(pull, tmp_path)
    assert names(event["inputs"]) == [("protime://localhost", "clockings")]
    (output,) = event["outputs"]
    assert output["name"] == f"{warehouse.database}.protime.clockings"
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == len(simulated.tenant.truth())
    assert simulated.client_secret not in json.dumps(event)

    changes = ProtimeChangesToPostgresOperator(task_id="changes", skip_unchanged=False)
    changes.execute(given | {"outlet_events": {}})
    assert names(emitted(changes, tmp_path)["outputs"]) == [(place, f"{warehouse.database}.protime.clockings")]


def test_a_task_that_loads_nothing_has_no_lineage() -> None:
    given: Any = context()
    plan = ProtimePlanOperator(task_id="plan", lookback_days=0, read_people=True)
    units = plan.execute(given)
    ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=units).execute(given)
    close = ProtimeFinishOperator(task_id="close", run_id=given["ti"].values["run_id"])
    close.execute(given)
    assert close.get_openlineage_facets_on_complete(None) is None
