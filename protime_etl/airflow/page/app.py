"""The page as a small web application inside Airflow's: who may see what, and in which form.

Airflow serves it in a frame of its user interface. An application that is mounted there inherits no login of Airflow's:
each route asks for one, and a tenant is shown to those who may see the runs of the DAG that reads it.
"""

from __future__ import annotations

import datetime as dt
from importlib import resources
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.configuration import conf
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from protime_etl.airflow.connections import WAREHOUSE
from protime_etl.airflow.hook import warehouse_url
from protime_etl.airflow.page.reading import Seen, read_tenants
from protime_etl.errors import ProtimeError

__all__ = ["PREFIX", "make_app", "path_of_page"]

PREFIX = "/protime"
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
# Further away are no clockings, and a year before it is still a date.
Day = Annotated[dt.date | None, Query(ge=dt.date(1990, 1, 1), le=dt.date(2100, 1, 1))]
FILES = {"page.css": "text/css", "page.js": "text/javascript"}


def path_of_page() -> str:
    """Where a browser finds it, below the path at which Airflow is served."""
    return f"{_base_path()}{PREFIX}/"


def _base_path() -> str:
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")


def make_app() -> FastAPI:
    """Make it. Its routes are plain functions, which Airflow's server runs beside its own in threads."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.get("/", response_class=HTMLResponse)(page)
    app.get("/{name}")(file)
    return app


def page(request: Request, user: GetUserDep, until: Day = None) -> HTMLResponse:
    """Everything about the tenants that the user may see, with the calendar of the year that ends on a day."""
    try:
        seen = read_tenants(warehouse_url(WAREHOUSE), until)
    except AirflowNotFoundException:
        return _answer(503, error=f"Airflow has no connection {WAREHOUSE}, or none of type postgres.")
    except ProtimeError as error:
        return _answer(503, error=str(error))
    allowed = [one for one in seen if _may_see(one.nightly, request, user)]
    if seen and not allowed:
        raise HTTPException(403, "You may see the runs of none of the DAGs that read these tenants.")
    return _answer(200, seen=allowed, until=until)


def file(name: str, user: GetUserDep) -> Response:  # noqa: ARG001 - who is logged in may have it
    """What the page looks like and does."""
    if name not in FILES:
        raise HTTPException(404)
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return Response(text, media_type=FILES[name], headers={**HEADERS, "Cache-Control": "max-age=60"})


def _may_see(dag_id: str, request: Request, user: Any) -> bool:
    try:
        requires_access_dag("GET", DagAccessEntity.RUN, dag_id)(request, user)
    except HTTPException:
        return False
    return True


def _answer(
    status: int, *, seen: list[Seen] | None = None, until: dt.date | None = None, error: str = ""
) -> HTMLResponse:
    template = ENVIRONMENT.get_template("page.html")
    text = template.render(seen=seen or [], until=until, error=error, year=dt.timedelta(days=364), base=_base_path())
    return HTMLResponse(text, status, headers=HEADERS)


def _moment(value: dt.datetime | None) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M}"


ENVIRONMENT = Environment(
    loader=PackageLoader("protime_etl.airflow.page", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
ENVIRONMENT.filters["moment"] = _moment
