"""The address of a warehouse, from what users write; what cannot be is named before anything is tried.

PostgreSQL's own client reads it, so that all of its forms are known: URLs with several hosts, sockets, IPv6 or a
service, and `host=... dbname=...`.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from urllib.parse import parse_qsl, quote, unquote

import psycopg
from sqlalchemy.engine import URL

from protime_etl.errors import SettingsError
from protime_etl.postgres.server.session import DECISIVE, options_given

__all__ = ["parse_url", "place_of", "url_of"]

SETTING = "PROTIME_DATABASE_URL"
LOOK = "It looks like postgresql://user:password@host:5432/database."
SEVERAL = "Write several hosts as postgresql://user:password@host1:5432,host2:5432/database."
RAW_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# A password may have any character but @ as it is, which the client would not take.
WRITTEN = re.compile(
    r"postgres(?:ql)?(?:\+\w+)?://(?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?(?P<rest>.*)", re.DOTALL
)
PAIRS = re.compile(r"\s*\w+\s*=")
HOST_AND_PORT = re.compile(r"[^:/]*:\d+")


def parse_url(text: str) -> URL:
    """A SQLAlchemy URL for psycopg 3 from what users write: `postgres://`, `postgresql://`, or `host=... dbname=...`.

    Raises:
        SettingsError: it is no address of PostgreSQL, or one that can be read in two ways. The message does not repeat
            any of it but names of parameters: it may hold a password, and what looks like a host may be a part of one.
    """
    given: Mapping[str, str | int | None] | None = None
    if (written := WRITTEN.fullmatch(text)) is not None:
        text = _with_escapes(written)
    if written or PAIRS.match(text):
        with suppress(psycopg.ProgrammingError):  # whose text holds what was written
            given = psycopg.conninfo.conninfo_to_dict(text)
    if given is None:
        raise SettingsError(
            f"{SETTING} is not an address of PostgreSQL.",
            guidance=f"{LOOK} In user and password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25.",
        )
    found = {name: str(value) for name, value in given.items()}
    if written and "options" in found:
        found["options"] = found["options"].replace("+", " ")  # as SQLAlchemy writes a blank
    return url_of(found, SETTING)


def _with_escapes(written: re.Match[str]) -> str:
    """The URL with every character of user and password escaped."""
    rest = written["rest"]
    # Without an escape it is unclear which @ ends the password: what follows would be taken for the host and shown.
    if written["user"] is not None and "@" in rest:
        raise SettingsError(
            f"{SETTING} has more than one @.", guidance="In user, password and parameters write @ as %40."
        )
    if RAW_PERCENT.search(written[0]):
        raise SettingsError(
            f"{SETTING} has a % that escapes nothing.",
            guidance="In user and password write % as %25 (and @ as %40, / as %2F, ? as %3F, # as %23).",
        )
    names = [name for name, _ in parse_qsl(rest.partition("?")[2], keep_blank_values=True)]
    _require_known(set(names) - {"ssl"}, SETTING)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"{SETTING} has {', '.join(twice)} more than once.", guidance=SEVERAL)
    if written["user"] is None:
        return f"postgresql://{rest}"
    user, password = (quote(unquote(written[name] or ""), safe="") for name in ("user", "password"))
    return f"postgresql://{user}{'' if written['password'] is None else f':{password}'}@{rest}"


def url_of(given: Mapping[str, str], where: str) -> URL:
    """A SQLAlchemy URL of what is given by the names of PostgreSQL's client; `where` says who gave it.

    Raises:
        SettingsError: the client does not know a parameter, `options` sets what is set for each transaction, or hosts
            and ports cannot be.
    """
    _require_known(given, where)
    rest = {name: value for name, value in given.items() if value}
    user, password, database = (rest.pop(name, None) for name in ("user", "password", "dbname"))
    ports = rest.pop("port", "").split(",")
    hosts = rest.get("host", "" if len(ports) == 1 else rest.get("hostaddr", "")).split(",")
    if any(map(HOST_AND_PORT.fullmatch, hosts)):
        raise SettingsError(f"{where} has a port in its parameter host.", guidance=SEVERAL)
    if len(ports) not in (1, len(hosts)) or any(port and not _is_port(port) for port in ports):
        raise SettingsError(
            f"{where} has an invalid port, or not one port for each host.", guidance=f"{LOOK} {SEVERAL}"
        )
    host, port = None, None
    if len(hosts) > 1:
        rest["host"] = ",".join(hosts)
        if any(ports):
            rest["port"] = ",".join(ports if len(ports) > 1 else ports * len(hosts))
    else:
        port = int(ports[0]) if ports[0] else None
        if not hosts[0].startswith(("/", "@")):
            host = rest.pop("host", None)
    url = URL.create("postgresql+psycopg", user, password, host, port, database, rest)
    if decisive := sorted(options_given(url) & set(DECISIVE)):
        raise SettingsError(
            f"{where} sets {', '.join(decisive)} by its parameter options.",
            guidance="Leave that out: protime-etl sets it for each of its transactions.",
        )
    return url


def _require_known(names: Iterable[str], where: str) -> None:
    known = {one.keyword.decode() for one in psycopg.pq.Conninfo.get_defaults()}
    if unknown := sorted(set(names) - known):
        raise SettingsError(
            f"{where} has parameters that PostgreSQL does not know: {', '.join(unknown)}.",
            guidance="Leave them out; the tables are always in the schemas protime and protime_etl,"
            " and a pooler needs no parameter.",
        )


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 65536


def place_of(url: URL) -> str:
    """Which database that is, for a message: host with its port, or service, and name."""
    service = url.query.get("service") or os.environ.get("PGSERVICE")
    environment = os.environ.get("PGHOST") or os.environ.get("PGHOSTADDR") or "localhost"
    named = f"{url.host}:{url.port}" if url.host and url.port else url.host
    host = named or url.query.get("host") or url.query.get("hostaddr") or (service and f"service {service}")
    return f"{host or environment}/{url.database or ''}"
