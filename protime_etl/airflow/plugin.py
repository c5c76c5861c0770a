"""What Airflow loads by the entry point `airflow.plugins`: the page of protime-etl, in the navigation at the left."""

from __future__ import annotations

import sys
from typing import Any

from airflow.plugins_manager import AirflowPlugin

__all__ = ["ProtimePlugin"]


def _page() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The application and the view of it; none where no user interface is served, as every task loads the plugins."""
    if "airflow.api_fastapi.app" not in sys.modules:
        return [], []
    from protime_etl.airflow.page.app import PREFIX, make_app, path_of_page  # noqa: PLC0415 - FastAPI takes its time

    view = {
        "name": "Protime",
        "href": path_of_page(),
        "destination": "nav",
        "url_route": "protime",
    }
    return [{"app": make_app(), "url_prefix": PREFIX, "name": "protime-etl"}], [view]


class ProtimePlugin(AirflowPlugin):
    """The page: what is here, how fresh it is, and what needs a look."""

    name = "protime"
    fastapi_apps, external_views = _page()
