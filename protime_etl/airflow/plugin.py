"""What Airflow loads by the entry point `airflow.plugins`: the page of protime-etl, in the navigation at the left."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

__all__ = ["ProtimePlugin"]

PREFIX = "/protime"


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
    external_views = [  # noqa: RUF012
        {
            "name": "Protime",
            # Below the path at which Airflow is served. Without the slash at the end Airflow's own page answers.
            "href": f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}{PREFIX}/",
            "destination": "nav",
            "url_route": "protime",
        }
    ]
