"""What a trial (`make run`, `make up`) leaves in its folder for the commands beside it, as long as it runs.

`trial.lock` is held by the process that runs; `trial.env` has the settings of its simulated tenant, and `airflow.env`
the environment of its Airflow.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dotenv import dotenv_values

from protime_etl.config import Settings
from protime_etl.errors import BusyError
from protime_etl.private import make_private_folder, open_private

__all__ = ["AIRFLOW_ENV", "HOW_TO_INSTALL", "leave_tenant", "only_trial", "tenant_of_trial", "write_environment"]

AIRFLOW_ENV = "airflow.env"
HOW_TO_INSTALL = (
    "Install it with its extra, from the same wheel or folder: pip install 'PATH[local]';"
    " so do pipx install, uv tool install and uvx --from."
)
"""What to do where the embedded PostgreSQL or the simulated tenant is missing."""
TENANT_ENV = "trial.env"
LOCK = "trial.lock"
TENANT_SETTINGS = ("tenant", "client_id", "client_secret", "api_url", "auth_url")


@contextmanager
def only_trial(home: Path) -> Iterator[None]:
    """Be the only trial in this folder, and leave no environment behind.

    Raises:
        BusyError: another one runs there.
        SettingsError: the folder is another user's, or a link lies in place of the lock.
    """
    make_private_folder(home)
    with open_private(home / LOCK, "a") as lock:
        if not _locked(lock.fileno()):
            raise BusyError(
                f"Another demo, make up or make run is using {home}.",
                guidance="Use that one, end it with Ctrl-C, or set PROTIME_HOME to another folder.",
            )
        try:
            yield
        finally:
            for name in (AIRFLOW_ENV, TENANT_ENV):
                (home / name).unlink(missing_ok=True)


def write_environment(file: Path, variables: Mapping[str, str]) -> None:
    """Write variables down for a shell to read, and for no user but the own one: there are secrets among them.

    The search path goes before that of the shell that reads it.
    """
    with open_private(file, "w") as output:
        for name, value in variables.items():
            quoted = shlex.quote(value)
            output.write(f'export {name}={quoted}:"$PATH"\n' if name == "PATH" else f"export {name}={quoted}\n")


def leave_tenant(home: Path, settings: Settings) -> None:
    """Leave the settings of the simulated tenant for the commands beside."""
    values = settings.model_dump(include=set(TENANT_SETTINGS)) | {
        "client_secret": settings.client_secret.get_secret_value()
    }
    write_environment(home / TENANT_ENV, {f"PROTIME_{name.upper()}": values[name] for name in TENANT_SETTINGS})


def tenant_of_trial(home: Path) -> dict[str, str]:
    """The settings of the simulated tenant of the trial that runs in this folder; empty if none does.

    Raises:
        SettingsError: as `only_trial`.
    """
    if not (home / TENANT_ENV).is_file():
        return {}
    make_private_folder(home)
    with open_private(home / LOCK, "a") as lock:
        if _locked(lock.fileno()):  # the process that wrote the settings was killed
            return {}
    values = dotenv_values(home / TENANT_ENV)
    return {name: values.get(f"PROTIME_{name.upper()}") or "" for name in TENANT_SETTINGS}


def _locked(descriptor: int) -> bool:
    import fcntl  # noqa: PLC0415 - Windows has no fcntl, and no trial either

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
