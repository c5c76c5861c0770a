"""The environment in which the local Airflow runs, and in which commands of Airflow reach it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path

from protime_etl.private import open_private

__all__ = ["ADMIN", "airflow_environment", "dags_folder"]

ADMIN = "admin"
LOOPBACK = "127.0.0.1,localhost,::1"


def dags_folder() -> Path:
    """Where the DAG files lie, in the source tree or in the installed package."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "dags"
    return installed if installed.is_dir() else package.parent / "dags"


def airflow_environment(folder: Path, metadata: str, timezone: str, port: int, password: str) -> dict[str, str]:
    """Airflow in `folder`, its metadata at the URL `metadata`, its UI on `port`; new secrets each time.

    `password` is that of its user `admin`; empty: it asks for no login. `PATH` is what goes before that of the shell.
    """
    passwords = folder / "passwords.json"
    with open_private(passwords, "w") as file:
        json.dump({ADMIN: password}, file)
    kept = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    return {
        "PATH": str(Path(sys.executable).parent),
        "AIRFLOW_HOME": str(folder),
        # Its processes speak to each other over this machine's own address, which no proxy reaches.
        **dict.fromkeys(("NO_PROXY", "no_proxy"), f"{LOOPBACK},{kept}" if kept else LOOPBACK),
        "PROTIME_TIMEZONE": timezone,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder()),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(2 * (os.cpu_count() or 2)),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": str(not password),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__PROTIME__ALLOWED_HOSTS": "127.0.0.1,localhost",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
    }
