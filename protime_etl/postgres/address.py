"""The address of a warehouse, from what users write; what cannot be is named before anything is tried."""

from __future__ import annotations

import re

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from protime_etl.errors import SettingsError
from protime_etl.postgres.session import DECISIVE, options_given

__all__ = ["check_parameters", "parse_url"]

SETTING = "PROTIME_DATABASE_URL"
LOOK = "It looks like postgresql://user:password@host:5432/database."
RAW_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def parse_url(text: str) -> URL:
    """A SQLAlchemy URL for psycopg 3 from what users write (`postgres://`, `postgresql://`).

    Raises:
        SettingsError: it is no PostgreSQL URL, or one that can be read in two ways. The message does not repeat any of
            it but names of parameters: it may hold a password, and what looks like a host may be a part of one.
    """
    try:
        url = make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        url = URL.create("unreadable")
    _, scheme, rest = text.partition("://")
    # Without an escape it cannot be told which @ ends the password: what follows would be taken for the host and shown.
    if scheme and rest.count("@") > 1 + (url.username or "").count("@"):
        raise SettingsError(
            f"{SETTING} has more than one @.", guidance="In user, password and parameters write @ as %40."
        )
    if scheme and RAW_PERCENT.search(rest):
        raise SettingsError(
            f"{SETTING} has a % that escapes nothing.",
            guidance="In user and password write % as %25 (and @ as %40, / as %2F, ? as %3F, # as %23).",
        )
    if url.drivername.split("+")[0] not in ("postgresql", "postgres"):
        raise SettingsError(
            f"{SETTING} is not a PostgreSQL URL.",
            guidance=f"{LOOK} In user and password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25.",
        )
    url = url.set(drivername="postgresql+psycopg")
    check_parameters(url, SETTING)
    return url


def check_parameters(url: URL, where: str) -> None:
    """Make sure that PostgreSQL's client knows each parameter, and that none undoes what correctness hangs on.

    Raises:
        SettingsError: one is unknown, or `options` sets what is set for each transaction; `where` says who gave it.
    """
    known = {one.keyword.decode() for one in psycopg.pq.Conninfo.get_defaults()}
    if unknown := sorted(set(url.query) - known):
        raise SettingsError(
            f"{where} has parameters that PostgreSQL does not know: {', '.join(unknown)}.",
            guidance="Leave them out; the tables are always in the schemas protime and protime_etl,"
            " and a pooler needs no parameter.",
        )
    if decisive := sorted(options_given(url) & set(DECISIVE)):
        raise SettingsError(
            f"{where} sets {', '.join(decisive)} by its parameter options.",
            guidance="Leave that out: protime-etl sets it for each of its transactions.",
        )
