"""What Airflow loads by the entry point `airflow.plugins`: the page of protime-etl, in the navigation at the left."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

__all__ = ["ProtimePlugin"]

PREFIX = "/protime"
HOSTS = conf.getlist("protime", "allowed_hosts", fallback=None) or []
"""Names by which Airflow may be asked for, by its option `[protime] allowed_hosts`; empty: any.

A page of elsewhere whose name leads to this machine reaches an Airflow that asks for no login, by its own name.
"""


def _only_of_hosts(app: Any, names: list[str]) -> Any:
    """The application behind a look at the header Host."""
    from starlette.middleware.trustedhost import TrustedHostMiddleware  # noqa: PLC0415 - as for the page

    return TrustedHostMiddleware(app, allowed_hosts=names, www_redirect=False)


class LazyPage:
    """The application, made at its first request: every task loads the plugins, and has no use for FastAPI."""

    _app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, as ASGI asks for it."""
        if self._app is None:
            from protime_etl.airflow.page.app import make_app  # noqa: PLC0415

            self._app = make_app()
        await self._app(scope, receive, send)


class ProtimePlugin(AirflowPlugin):
    """The page: what is here, how fresh it is, and what needs a look."""

    name = "protime"
    fastapi_apps = [{"app": LazyPage(), "url_prefix": PREFIX, "name": "protime-etl"}]  # noqa: RUF012 - as Airflow has it
    fastapi_root_middlewares = (
        [{"name": "protime-etl hosts", "middleware": _only_of_hosts, "kwargs": {"names": HOSTS}}] if HOSTS else []
    )
    external_views = [  # noqa: RUF012
        {
            "name": "Protime",
            # Below the path at which Airflow is served. Without the slash at the end Airflow's own page answers.
            "href": f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}{PREFIX}/",
            "destination": "nav",
            "url_route": "protime",
        }
    ]
