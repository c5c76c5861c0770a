"""Our DAG files as a bundle of Airflow: they come with the package, and so do their upgrades."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.local import LocalDagBundle

__all__ = ["ProtimeDagBundle"]

PACKAGE = Path(__file__).parents[1]


class ProtimeDagBundle(LocalDagBundle):
    """The folder of the DAG files that this package brings; named in `[dag_processor] dag_bundle_config_list`."""

    def __init__(self, **kwargs: Any) -> None:
        installed = PACKAGE / "dags"
        super().__init__(path=str(installed if installed.is_dir() else PACKAGE.parent / "dags"), **kwargs)
