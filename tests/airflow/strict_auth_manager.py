"""An auth manager of Airflow that lets viewers see the runs of one team's DAGs only."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

__all__ = ["StrictAuthManager"]


class StrictAuthManager(SimpleAuthManager):
    """Viewers see the runs of the team `b`, and whose name begins with `stranger` none; `broken_...` is an error."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """Whether it is allowed."""
        if user.role == "VIEWER":
            dag_id = details.id if details is not None else None
            if dag_id is not None and dag_id.startswith("broken_"):
                raise RuntimeError("this DAG is unknown")
            mine = details is not None and details.team_name == "b" and method == "GET"
            return mine and access_entity is DagAccessEntity.RUN and not user.username.startswith("stranger")
        return bool(super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details))
