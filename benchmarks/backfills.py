"""Backfills through a slow API: how many requests they need, and how many are repeated after a kill.

The least is what page size and URI limit allow: full pages, and one request for each batch that one URI can name.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy.engine import URL

from benchmarks.results import Run
from benchmarks.rounds import Bench
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant

__all__ = ["measure_backfills"]

PAGE = 1000
IDS_IN_A_URI = 460
"""Ids of six digits that fit beside a continuation token."""
WORKERS = 4
LATENCY_SECONDS = 0.05
LIMIT_SECONDS = 900


def measure_backfills(bench: Bench, last_day: dt.date) -> None:
    """A year of 2,000 people, a day of 20,000, and the first again with a kill at half-way.

    Raises:
        RuntimeError: a backfill failed, or the table does not hold all clockings.
    """
    for name, people, days in (("backfill year", 2_000, 365), ("backfill day", 20_000, 1)):
        bench.log(f"generating {people:,} people and {days} days")
        first_day = last_day - dt.timedelta(days=days - 1)
        tenant = Tenant(seed=1, people=people, first_day=first_day, last_day=last_day)
        options = Options(page_size=PAGE, empty_page_every=0, latency=LATENCY_SECONDS)
        with SimulatedTenant(tenant, options) as simulated:
            seconds, requests = _backfill(bench, simulated)
            rows = len(tenant.truth())
            least = max(-(-rows // PAGE), -(-people // IDS_IN_A_URI)) + -(-people // PAGE)
            _keep(bench, name, rows, seconds, requests, least)
            if days > 1:
                seconds, killed = _backfill(bench, simulated, kill_after=requests // 2)
                _keep(bench, "backfill killed", rows, seconds, killed, requests)


def _backfill(bench: Bench, simulated: SimulatedTenant, kill_after: int | None = None) -> tuple[float, int]:
    """Seconds and requests of a backfill, of both parts if it is killed in between."""
    tenant, before = simulated.tenant, _requests(simulated)
    with bench.server.database() as warehouse:
        program = Path(sys.executable).parent / "protime-etl"
        dates = ["--from", str(tenant.first_day), "--to", str(tenant.last_day)]
        command = [str(program), "backfill", *dates, "--workers", str(WORKERS)]
        environment = {**os.environ, **_settings(simulated, warehouse)}
        began = time.monotonic()
        if kill_after is not None:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while _requests(simulated) - before < kill_after and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
        if done.returncode:
            raise RuntimeError(f"the backfill failed: {done.stderr.strip().splitlines()[-1]}")
        seconds = time.monotonic() - began
        brought = bench.server.brought(str(warehouse.database), "protime.clockings")[0]
        if brought != len(tenant.truth()):
            raise RuntimeError(f"the backfill brought {brought:,} of {len(tenant.truth()):,} clockings")
    return seconds, _requests(simulated) - before


def _requests(simulated: SimulatedTenant) -> int:
    return simulated.served.requests["clockings"] + simulated.served.requests["people"]


def _settings(simulated: SimulatedTenant, warehouse: URL) -> dict[str, str]:
    return {
        "PROTIME_TENANT": "simulated",
        "PROTIME_CLIENT_ID": simulated.client_id,
        "PROTIME_CLIENT_SECRET": simulated.client_secret,
        "PROTIME_API_URL": simulated.url,
        "PROTIME_AUTH_URL": simulated.url,
        "PROTIME_DATABASE_URL": warehouse.set(drivername="postgresql").render_as_string(hide_password=False),
    }


def _keep(  # noqa: PLR0917 - figures, in the order of the table
    bench: Bench, scenario: str, rows: int, seconds: float, requests: int, least: int
) -> None:
    bench.log(f"{scenario}: {rows:,} clockings, {requests} requests, {least} at least, {seconds:.1f} s")
    run = Run(
        contender="ours",
        scenario=scenario,
        rows=rows,
        seconds=seconds,
        requests=requests,
        least_requests=least,
    )
    bench.results.runs.append(run)
