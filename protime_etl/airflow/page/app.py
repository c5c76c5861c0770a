"""The page as a small web application inside Airflow's: who may see what, and in which form.

Airflow serves it in a frame of its user interface. An application that is mounted there inherits no login of Airflow's:
each route asks for one, and a tenant is shown to those who may see the runs of the DAG that reads it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from functools import partial
from importlib import resources
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    ConnectionDetails,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from protime_etl import __version__
from protime_etl.airflow.connections import WAREHOUSE
from protime_etl.airflow.hook import warehouse_url
from protime_etl.airflow.page.background import BusyError, in_background, kept
from protime_etl.airflow.page.calendar import KINDS
from protime_etl.airflow.page.reading import Seen, read_owners, read_tenants
from protime_etl.airflow.wording import speak_of_connections
from protime_etl.errors import ProtimeError

__all__ = ["make_app"]

log = logging.getLogger(__name__)
HEADERS = {
    # What the tenant answers is shown: it is escaped, and could load and run nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
FILES = {"page.css": "text/css", "page.js": "text/javascript"}
FIRST_YEAR, LAST_YEAR = dt.date(1990, 12, 31), dt.date(2100, 1, 1)
ALL_SECONDS = 20.0
"""A pooler whose server is away may let a query wait for minutes, whatever its time-out."""
MOST_TENANTS = 25
"""Tenants shown at once; the page links to the others."""
COUNTERS = {
    "failed_units": "failed units",
    "holes_days": "days with holes",
    "differences": "differences in proofs",
    "rejected_records": "rejected records",
    "drift_records": "records that the delta missed",
}
"""Figures that are shown as tiles where they are not zero, and in one line where they are."""
WHY = {
    401: "Log in to Airflow first.",
    403: "You are not allowed to see the runs of any DAG that reads these tenants.",
    404: "This page does not exist.",
}


class Shown(NamedTuple):
    """A tenant, what this user may do about it, and what Airflow knows of its DAGs."""

    seen: Seen
    may_fill: bool
    fill_paused: bool
    """Whether the DAG that fills is paused: its runs wait until it is not."""
    next_night: str
    """When the next night begins, in words."""


def make_app() -> FastAPI:
    """Make it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.get("/", response_class=HTMLResponse)(page)
    app.get("/{name}")(file)
    app.exception_handler(HTTPException)(refused)
    app.exception_handler(RequestValidationError)(misunderstood)
    return app


async def page(
    user: GetUserDep, until: Annotated[dt.date | None, Query()] = None, tenant: str | None = None
) -> HTMLResponse:
    """Everything about the tenants that the user may see, or one, with the calendar of the year that ends on a day."""
    if until is not None:  # further away are no clockings, and a year before it is still a date
        until = min(max(until, FIRST_YEAR), LAST_YEAR)
    try:
        return await in_background(lambda: _page(user, until, tenant), ALL_SECONDS, user.get_id())
    except (TimeoutError, BusyError):
        return _answer(503, error="The warehouse does not answer in time. Load the page again in a minute.")
    except Exception:  # Airflow's own answer to it would have none of our headers
        log.exception("The page cannot be shown")
        return _answer(500, error="The page cannot be shown. The log of Airflow's API server says why.")


async def file(name: str, user: GetUserDep) -> Response:  # noqa: ARG001 - who is logged in may have it
    """What the page looks like and does; asked for with the version, so that it may be kept."""
    if name not in FILES:
        raise HTTPException(404)
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return Response(text, media_type=FILES[name], headers={**HEADERS, "Cache-Control": "private, max-age=3600"})


async def refused(_request: Request, error: Exception) -> HTMLResponse:
    """One line about what this user may not see."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _answer(status, error=WHY.get(status, "Airflow refused the request."))


async def misunderstood(_request: Request, _error: Exception) -> HTMLResponse:
    """One line about a query that makes no sense."""
    return _answer(422, error="until must be a date, such as 2026-12-31.")


def _page(user: Any, until: dt.date | None, tenant: str | None) -> HTMLResponse:
    allowed: dict[tuple[str, str | None], bool] = {}

    def may(method: Literal["GET", "POST"], dag_id: str | None) -> bool:
        if (method, dag_id) not in allowed:
            allowed[method, dag_id] = _may(user, method, dag_id)
        return allowed[method, dag_id]

    try:
        url = warehouse_url(WAREHOUSE)
        all_owners = kept(url, lambda: read_owners(url))
        # Rights first: who may see nothing costs the warehouse nothing more.
        owners = {name: owner for name, owner in all_owners.items() if may("GET", owner.dag_id)}
        if (all_owners and not owners) or (tenant is not None and tenant not in owners):
            return _answer(403, error=WHY[403])
        chosen = dict(list(owners.items())[:MOST_TENANTS]) if tenant is None else {tenant: owners[tenant]}
        seen = kept((url, until, *chosen), lambda: read_tenants(url, until, chosen))
    except ProtimeError as error:
        speak_of_connections(error, "", WAREHOUSE)
        log.warning("The page cannot query the warehouse: %s", error)
        # It names hosts and users, which Airflow shows to those who may see its connections.
        text = str(error) if _may_see_the_connection(user) else "The log of Airflow's API server says why."
        return _answer(503, error=text)
    shown = [
        Shown(
            one,
            one.backfill is not None and may("POST", one.backfill),
            _is_paused(one.backfill),
            _next_night(one),
        )
        for one in seen
    ]
    return _answer(200, shown=shown, others=[name for name in owners if name not in chosen], until=until)


def _is_paused(dag_id: str | None) -> bool:
    dag = DagModel.get_dagmodel(dag_id) if dag_id is not None else None
    return dag is not None and dag.is_paused


def _next_night(seen: Seen) -> str:
    dag = DagModel.get_dagmodel(seen.dag_id) if seen.dag_id is not None else None
    if dag is None:
        return ""
    if dag.is_paused:
        return "none, the DAG is paused"
    moment = dag.next_dagrun_create_after
    return "" if moment is None else _moment(moment.astimezone(seen.zone))


def _may(user: Any, method: Literal["GET", "POST"], dag_id: str | None) -> bool:
    """Whether the user may see or start runs of a DAG; of one that Airflow does not know: may see the connection."""

    def asked() -> bool:
        if dag_id is None or DagModel.get_dagmodel(dag_id) is None:
            return method == "GET" and _may_see_the_connection(user)
        details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
        return get_auth_manager().is_authorized_dag(
            method=method, access_entity=DagAccessEntity.RUN, details=details, user=user
        )

    return _is_true(asked)


def _may_see_the_connection(user: Any) -> bool:
    details = ConnectionDetails(conn_id=WAREHOUSE)
    return _is_true(lambda: get_auth_manager().is_authorized_connection(method="GET", details=details, user=user))


def _is_true(ask: Callable[[], bool]) -> bool:
    """Whether an auth manager says so; one that cannot be asked, or knows no such DAG, does not."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - whatever theirs raise
        log.warning("The auth manager did not decide who may see what (%s): %s", type(error).__name__, error)
        return False


def _answer(
    status: int,
    *,
    shown: Sequence[Shown] = (),
    others: Sequence[str] = (),
    until: dt.date | None = None,
    error: str = "",
) -> HTMLResponse:
    text = ENVIRONMENT.get_template("page.html").render(
        shown=shown,
        others=others,
        until=until,
        error=error,
        year=dt.timedelta(days=364),
        kinds=KINDS,
        counters=COUNTERS,
        version=__version__,
        base=urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/"),
    )
    return HTMLResponse(text, status, headers=HEADERS)


def _moment(value: dt.datetime | None) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M}"


ENVIRONMENT = Environment(
    loader=PackageLoader("protime_etl.airflow.page", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
ENVIRONMENT.filters["moment"] = _moment
ENVIRONMENT.filters["whole"] = partial(quote, safe="")
