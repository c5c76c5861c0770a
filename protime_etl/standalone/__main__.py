"""`python -m protime_etl.standalone run | up`: the nightly DAG once, or Airflow with its UI, on this machine."""

from __future__ import annotations

import datetime as dt
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy.engine import URL

from protime_etl.cli.console import print_error, print_line
from protime_etl.cli.queries import run_query
from protime_etl.config import PlaceSettings, load_settings
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.postgres.connection import create_engine, parse_url
from protime_etl.postgres.embedded import embedded_postgres
from protime_etl.postgres.schema import upgrade_schema
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.standalone.local_airflow import LocalAirflow, local_airflow

NIGHTLY = "protime_clockings_nightly"
UI_PORT = 8080
PRESENCE = """
SELECT date, employee_number, last_name, first_in, last_out, present_minutes, is_open
FROM protime.daily_presence ORDER BY date DESC, employee_number LIMIT 10
"""


def main(arguments: list[str]) -> int:
    """Run one of the two; returns the exit status."""
    if arguments not in (["run"], ["up"]):
        print_error(SettingsError("usage: python -m protime_etl.standalone run | up"))
        return 2
    # Whoever ends this process with SIGTERM means all that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with _set_up(port=UI_PORT if arguments == ["up"] else 0) as (airflow, warehouse):
            return _run(airflow, warehouse) if arguments == ["run"] else _up(airflow)
    except ProtimeError as error:
        print_error(error)
        return error.exit_status
    except KeyboardInterrupt:
        return 130


@contextmanager
def _set_up(port: int) -> Iterator[tuple[LocalAirflow, URL]]:
    place = PlaceSettings()
    tenant = load_settings() if place.tenant else None
    with ExitStack() as stack:
        print_line(f"PostgreSQL: embedded, in {place.home / 'postgres'}")
        embedded = stack.enter_context(embedded_postgres(place.home))
        warehouse = parse_url(place.database_url.get_secret_value()) if place.database_url else embedded
        engine = create_engine(warehouse)
        print_line(f"Warehouse: schema version {upgrade_schema(engine).current}")
        engine.dispose()
        if tenant is None:
            simulated = stack.enter_context(SimulatedTenant())
            print_line(f"Tenant: simulated, at {simulated.url} (set PROTIME_TENANT for your own)")
            tenant = load_settings(
                from_environment=False,
                tenant="simulated",
                client_id=simulated.client_id,
                client_secret=simulated.client_secret,
                api_url=simulated.url,
                auth_url=simulated.url,
            )
        else:
            print_line(f"Tenant: {tenant.tenant}, at {tenant.api_base}")
        print_line("Airflow: starting (half a minute)")
        airflow = stack.enter_context(local_airflow(place.home, embedded, warehouse, tenant, port=port))
        print_line(f"Airflow: ready at {airflow.url}")
        airflow.wait_for_dag(NIGHTLY)
        yield airflow, warehouse


def _run(airflow: LocalAirflow, warehouse: URL) -> int:
    started = dt.datetime.now(dt.UTC)
    run_id = airflow.trigger(NIGHTLY)
    print_line(f"{NIGHTLY}: run {run_id}")
    state = airflow.wait_for_run(NIGHTLY, run_id, print_line)
    seconds = (dt.datetime.now(dt.UTC) - started).total_seconds()
    print_line(f"{NIGHTLY}: {state} after {seconds:.0f} s")
    if state != "success":
        raise ProtimeError("The nightly run failed.", guidance=f"Its logs: {airflow.log.parent / 'logs'}")
    print_line("\nprotime.daily_presence, newest first:\n")
    run_query(warehouse, PRESENCE)
    print_line(
        "\nNext:\n"
        "  make up                                    Airflow with its UI, on the same set-up\n"
        "  .venv/bin/protime-etl status               what is covered, and how fresh\n"
        "  .venv/bin/protime-etl sql 'SELECT ...'     your own queries; more in sql/queries\n"
        "  README.md: Connect your tenant             PROTIME_TENANT and four more settings in .env"
    )
    return 0


def _up(airflow: LocalAirflow) -> int:
    print_line(f"\nOpen {airflow.url} (no password: it listens on this machine only). Ctrl-C stops it.")
    while airflow.is_running:
        time.sleep(1)
    raise ProtimeError("Airflow has stopped.", guidance=f"Look at {airflow.log}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
