"""An auth manager of Airflow that lets viewers see the runs of one tenant's DAGs only."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

__all__ = ["StrictAuthManager"]


class StrictAuthManager(SimpleAuthManager):
    """Viewers see `beta_...`; whose name begins with `stranger` sees none; everything else is as Airflow has it."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """Whether it is allowed."""
        if user.role == "VIEWER" and details is not None and details.id is not None:
            return bool(details.id.startswith("beta_") and not user.username.startswith("stranger"))
        return bool(super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details))
