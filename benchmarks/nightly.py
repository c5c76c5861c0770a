"""The nightly DAG by Airflow's own processes, next to the command line that reads the same days."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contenders import BENCH, OURS
from benchmarks.results import Run
from benchmarks.rounds import Bench
from protime_etl.config import load_settings
from protime_etl.standalone.local_airflow import local_airflow

__all__ = ["NIGHTLY_DAYS", "NIGHTLY_PEOPLE", "measure_nightly"]

DAG = "protime_clockings_nightly"
NIGHTLY_PEOPLE = 10_000
NIGHTLY_DAYS = 8
SLOTS = 2


def measure_nightly(bench: Bench, repeat: int) -> None:
    """The CLI and the DAG one after the other, each into a fresh database; Airflow is started for each run of the DAG.

    Raises:
        RuntimeError: a run of the DAG failed.
        WrongResultError: it did not bring all clockings.
    """
    served = bench.served
    settings = load_settings(
        from_environment=False,
        tenant="simulated",
        client_id="simulated-client",
        client_secret="simulated-secret",  # noqa: S106 - a secret of nothing
        api_url=served.url,
        auth_url=served.url,
    )
    bench.warm_up(OURS)
    for _ in range(repeat):
        bench.first_load(OURS, scenario="nightly")
        with (
            bench.round(OURS) as task,
            TemporaryDirectory(dir=BENCH, prefix="airflow-") as home,
            local_airflow(Path(home), bench.server.url, task.warehouse, settings) as airflow,
        ):
            airflow.wait_for_dag(DAG)
            pool = {"pool": "default_pool", "slots": SLOTS, "include_deferred": False}
            airflow.request("PATCH", "/pools/default_pool?update_mask=slots&update_mask=include_deferred", pool)
            run_id = airflow.trigger(DAG, {"lookback_days": NIGHTLY_DAYS - 1})
            state = airflow.wait_for_run(DAG, run_id)
            run = airflow.request("GET", f"/dags/{DAG}/dagRuns/{run_id}")
            if state != "success":
                raise RuntimeError(f"the DAG ended as {state}")
            # From the moment it was asked for to its end, both by Airflow's clock.
            seconds = (_moment(run["end_date"]) - _moment(run["queued_at"])).total_seconds()
            bench.check(OURS, str(task.warehouse.database))
        bench.log(f"nightly DAG: {seconds:.1f} s")
        bench.results.runs.append(
            Run(
                contender="dag",
                scenario="nightly",
                rows=served.clockings,
                seconds=seconds,
            )
        )


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
