"""A tenant, warehouses in a moment, and the two faces: the real command line, and the real operators of Airflow."""

from __future__ import annotations

import datetime as dt
import gc
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from protime_etl.cli.commands import main
from protime_etl.errors import ProtimeError
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.support.databases import execute
from tests.support.tenant import TODAY

FIRST = TODAY - dt.timedelta(days=4)
NUMBERS = count()


@dataclass(frozen=True)
class Done:
    """How something ended, and all that it said."""

    status: int
    out: str
    err: str
    warehouse: URL

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out.splitlines()[-1])

    def select(self, query: str) -> Any:
        """The one value of a query of the warehouse that was used."""
        engine = create_engine(self.warehouse)
        with engine.connect() as connection:
            value = connection.scalar(sa.text(query))
        engine.dispose()
        return value

    @property
    def clockings(self) -> int:
        return int(self.select("SELECT count(*) FROM protime.clockings WHERE deleted_at IS NULL"))


class House:
    """What a row needs; all that it starts ends with the row."""

    def __init__(self, server: URL, folder: Path, stack: ExitStack) -> None:
        self._server = server
        self._stack = stack
        self.folder = folder
        self.simulated = self.tenant()

    def tenant(self, people: int = 6, fault: str = "", **options: Any) -> SimulatedTenant:
        """One more tenant, of some people and a working week."""
        plan = read_plan(f"[[fault]]\n{fault}") if fault else read_plan("")
        tenant = Tenant(seed=1, people=people, first_day=FIRST, last_day=TODAY)
        given: dict[str, Any] = {"page_size": 10, "faults": plan} | options
        return self._stack.enter_context(SimulatedTenant(tenant, Options(**given)))

    def warehouse(self) -> URL:
        """A fresh warehouse."""
        name = f"every_{next(NUMBERS)}"
        execute(self._server, f"CREATE DATABASE {name} TEMPLATE template_alone")
        return self._server.set(database=name)

    def settings(self, at: SimulatedTenant | None = None, **changes: str | None) -> dict[str, str]:
        """The settings of a tenant; None takes one out."""
        simulated = at or self.simulated
        given: dict[str, str | None] = {
            "tenant": "simulated",
            "client_id": simulated.client_id,
            "client_secret": simulated.client_secret,
            "api_url": simulated.url,
            "auth_url": simulated.url,
        }
        return {name: value for name, value in (given | changes).items() if value is not None}

    def run(
        self,
        *arguments: str,
        warehouse: URL | None = None,
        at: SimulatedTenant | None = None,
        proxy: str = "",
        **changes: Any,
    ) -> Done:
        """The command line, from its entry point on, in this process: a new one for each would take minutes."""
        url = warehouse or self.warehouse()
        database = {"database_url": url.render_as_string(hide_password=False)}
        settings = {**database, **self.settings(at, **changes)}
        if "database_url" in changes and changes["database_url"] is None:
            del settings["database_url"]
        out, err, status = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in ({f"PROTIME_{name.upper()}": settings[name] for name in settings}).items():
                patch.setenv(name, value)
            if proxy:
                patch.setenv("HTTPS_PROXY", proxy)
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["protime-etl", *arguments])
            patch.setattr(sys, "stdin", io.StringIO())
            threshold = gc.get_threshold()
            try:
                main()
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            finally:
                gc.unfreeze()
                gc.set_threshold(*threshold)
        return Done(status, out.getvalue(), err.getvalue(), url)


class Face:
    """One of the two ways in; a row of a setting is run through both."""

    def __init__(self, house: House) -> None:
        self.house = house

    def ask(self, at: SimulatedTenant | None = None, proxy: str = "", **changes: Any) -> Done:
        """Ask for a token."""
        raise NotImplementedError

    def sync(self, at: SimulatedTenant | None = None, warehouse: URL | None = None, **changes: Any) -> Done:
        """Read the week."""
        raise NotImplementedError

    def prove(self, warehouse: URL, **changes: Any) -> Done:
        """Compare what was compared longest ago."""
        raise NotImplementedError


class CommandLine(Face):
    """`PROTIME_*` in the environment, `protime-etl check` and `protime-etl sync`."""

    def ask(self, at: SimulatedTenant | None = None, proxy: str = "", **changes: Any) -> Done:
        return self.house.run("check", at=at, proxy=proxy, **changes)

    def sync(self, at: SimulatedTenant | None = None, warehouse: URL | None = None, **changes: Any) -> Done:
        dates = ("--from", str(FIRST), "--to", str(TODAY))
        return self.house.run("sync", *dates, "--workers", "1", at=at, warehouse=warehouse, **changes)

    def prove(self, warehouse: URL, **changes: Any) -> Done:
        return self.house.run("prove", warehouse=warehouse, **changes)


class Connection(Face):
    """A connection of Airflow, its test, and the operators of the nightly DAG."""

    def ask(self, at: SimulatedTenant | None = None, proxy: str = "", **changes: Any) -> Done:
        from protime_etl.airflow import ProtimeHook

        with self._connections(self.house._server, at, changes), pytest.MonkeyPatch.context() as patch:
            if proxy:
                patch.setenv("HTTPS_PROXY", proxy)
            ok, message = ProtimeHook().test_connection()
        return Done(0 if ok else 1, message, "", self.house._server)

    def sync(self, at: SimulatedTenant | None = None, warehouse: URL | None = None, **changes: Any) -> Done:
        from airflow.sdk.exceptions import AirflowException

        url = warehouse or self.house.warehouse()
        with self._connections(url, at, changes):
            try:
                self._night()
            except (AirflowException, ProtimeError) as error:
                return Done(1, "", str(error), url)
        return Done(0, "", "", url)

    def prove(self, warehouse: URL, **changes: Any) -> Done:
        from protime_etl.airflow import ProtimeProveOperator

        with self._connections(warehouse, None, changes):
            ProtimeProveOperator(task_id="prove", lookback_days=0).execute(self._context())
        return Done(0, "", "", warehouse)

    @contextmanager
    def _connections(self, url: URL, at: SimulatedTenant | None, changes: dict[str, Any]) -> Iterator[None]:
        extra = self.house.settings(at, **changes)
        login, password = extra.pop("client_id", ""), extra.pop("client_secret", "")
        hosts = " ".join(urlsplit(extra[name]).netloc for name in ("api_url", "auth_url") if extra.get(name))
        tenant = {"conn_type": "protime", "login": login, "password": password, "host": hosts}
        place = {"login": url.username, "schema": url.database, "host": url.query["host"]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW_CONN_PROTIME_DEFAULT", json.dumps({**tenant, "extra": extra}))
            patch.setenv("AIRFLOW_CONN_PROTIME_WAREHOUSE", json.dumps({"conn_type": "postgres", **place}))
            yield

    @staticmethod
    def _night() -> None:
        from protime_etl.airflow import (
            ProtimeClockingsToPostgresOperator,
            ProtimeFinishOperator,
            ProtimePeopleToPostgresOperator,
            ProtimePlanOperator,
        )

        pushed: dict[str, Any] = {}
        context = Connection._context()
        context["ti"].xcom_push = lambda key, value: pushed.update({key: value})
        ProtimePeopleToPostgresOperator(task_id="people").execute(context)
        for unit in ProtimePlanOperator(task_id="plan", lookback_days=(TODAY - FIRST).days).execute(context):
            ProtimeClockingsToPostgresOperator(task_id="pull", unit_id=unit).execute(context)
        ProtimeFinishOperator(task_id="close", run_id=pushed["run_id"]).execute(context)

    @staticmethod
    def _context() -> Any:
        moment = dt.datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=dt.UTC)
        run = SimpleNamespace(dag_id="a", run_id="r", logical_date=None, run_after=moment, run_type="manual")
        ti = SimpleNamespace(get_first_reschedule_date=lambda _context: None)
        return {"dag_run": run, "ti": ti, "outlet_events": {}}


SettingRow = Callable[[Face], None]
OptionRow = Callable[[House], None]
