"""`python -m protime_etl.standalone run | up [PORT]`: the nightly DAG once, or Airflow with its UI, on this machine."""

from __future__ import annotations

import datetime as dt
import secrets
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from protime_etl.cli.console import print_error, print_line
from protime_etl.cli.demo import require_checks, show_presence, simulated_tenant
from protime_etl.cli.queries import run_query
from protime_etl.config import PlaceSettings, load_place, load_settings
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.machine import machine_fault
from protime_etl.postgres.schema.upgrade import upgrade_schema
from protime_etl.postgres.server.address import parse_url
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.embedded import embedded_postgres
from protime_etl.postgres.server.statements import sql_folder
from protime_etl.standalone.environment import ADMIN
from protime_etl.standalone.local_airflow import LocalAirflow, is_free, local_airflow
from protime_etl.trial import AIRFLOW_ENV, leave_tenant, only_trial

NIGHTLY = "protime_clockings_nightly"
UI_PORT = 8080
DAYS_IN_FULL = "days_in_full.sql"
IN_FULL = {"clockings", "calculated-totals", "absences", "absence-definitions", "departments", "department-histories"}
"""What that query shows."""


def main(arguments: list[str]) -> int:
    """Run one of the two; returns the exit status."""
    # SIGTERM is meant for all that this process started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        port = _port(arguments)
        place = load_place()
        with only_trial(place.home), _set_up(place, port=port) as (airflow, warehouse):
            return _run(airflow, warehouse, place.collections) if port is None else _up(airflow, place.home)
    except ProtimeError as error:
        print_error(error)
        return error.exit_status
    except OSError as error:
        if (known := machine_fault(error)) is None:
            raise
        print_error(known)
        return known.exit_status
    except KeyboardInterrupt:
        return 130


def _port(arguments: list[str]) -> int | None:
    """The port of the UI; None: the nightly DAG is run once, without its UI."""
    match arguments:
        case ["run"]:
            return None
        case ["up"]:
            return UI_PORT
        case ["up", port] if port.isascii() and port.isdigit() and 0 < int(port) < 65536:
            return int(port)
    raise SettingsError("usage: python -m protime_etl.standalone run | up [PORT]")


@contextmanager
def _set_up(place: PlaceSettings, port: int | None) -> Iterator[tuple[LocalAirflow, URL]]:
    """Start all of it. What can be known to fail is tried before what takes half a minute."""
    if port is not None and not is_free(port):
        raise ProtimeError(f"Port {port} is taken.", guidance=f"Choose another: make up PORT={port + 1}")
    tenant = load_settings() if place.tenant else None
    # Other users of this machine reach the port, too: what they find there is made up, or they need the password.
    password = secrets.token_urlsafe(12) if tenant or place.database_url else ""
    with ExitStack() as stack:
        print_line(f"PostgreSQL: embedded, in {place.home / 'postgres'}")
        embedded = stack.enter_context(embedded_postgres(place.home))
        warehouse = parse_url(place.database_url.get_secret_value()) if place.database_url else embedded
        engine = create_engine(warehouse)
        print_line(f"Warehouse: schema version {upgrade_schema(engine).current}")
        engine.dispose()
        if tenant is None:
            tenant = stack.enter_context(simulated_tenant(place.collections))
            leave_tenant(place.home, tenant)
            print_line(f"Tenant: simulated, at {tenant.api_base} (set PROTIME_TENANT for your own)")
        else:
            print_line(f"Tenant: {tenant.tenant}, at {tenant.api_base}")
        require_checks(tenant, warehouse)
        print_line("Airflow: starting (half a minute)")
        airflow = stack.enter_context(
            local_airflow(place.home, embedded, warehouse, tenant, port=port or 0, password=password)
        )
        print_line(f"Airflow: ready at {airflow.url}")
        airflow.wait_for_dag(NIGHTLY)
        yield airflow, warehouse


def _run(airflow: LocalAirflow, warehouse: URL, collections: Sequence[str]) -> int:
    started = dt.datetime.now(dt.UTC)
    run_id = airflow.trigger(NIGHTLY)
    print_line(f"{NIGHTLY}: run {run_id}")
    state = airflow.wait_for_run(NIGHTLY, run_id, print_line)
    seconds = (dt.datetime.now(dt.UTC) - started).total_seconds()
    print_line(f"{NIGHTLY}: {state} after {seconds:.0f} s")
    if state != "success":
        for complaint in airflow.complaints(NIGHTLY, run_id):
            print_line(f"  {complaint}")
        raise ProtimeError("The nightly run failed.", guidance=f"Its logs: {airflow.log.parent / 'logs'}")
    print_line("\nprotime.daily_presence, newest first:\n")
    show_presence(warehouse)
    if {*collections} >= IN_FULL:
        print_line(f"\nsql/queries/{DAYS_IN_FULL}, of the first people:\n")
        text = (sql_folder() / "queries" / DAYS_IN_FULL).read_text(encoding="utf-8").rstrip().rstrip(";")
        run_query(warehouse, f"{text} LIMIT 12")
    print_line(
        "\nNext:\n"
        "  make up                                    Airflow with its UI, on the same set-up\n"
        "  .venv/bin/protime-etl status               what is covered, and how fresh\n"
        "  .venv/bin/protime-etl sql 'SELECT ...'     your own queries; more in sql/queries\n"
        "  README.md: Connect your tenant             PROTIME_TENANT and four more settings in .env"
    )
    return 0


def _up(airflow: LocalAirflow, home: Path) -> int:
    login = f"user {ADMIN}, password {airflow.password}" if airflow.password else "no password, as all data is made up"
    print_line(
        f"\nOpen {airflow.url} ({login}). Ctrl-C stops it.\n"
        "Meanwhile, in another terminal here:\n"
        "  .venv/bin/protime-etl check                on the same tenant and database; so are sync, status, sql, ...\n"
        f"  . {shlex.quote(str(home / AIRFLOW_ENV))}; airflow dags list       Airflow's own commands"
    )
    while airflow.is_running:
        time.sleep(1)
    raise ProtimeError("Airflow has stopped.", guidance=f"See {airflow.log}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
