"""What the values of settings may be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from protime_etl.collections.registry import COLLECTIONS

__all__ = [
    "ENVIRONMENT_HOSTS",
    "check_tenant",
    "check_timezone",
    "choose_collections",
    "is_loopback",
    "scopes_of",
    "zone_of",
]

TENANT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
ENVIRONMENT_HOSTS = {"production": "myprotime.eu", "sandbox": "myprotimesandbox.eu"}


def choose_collections(given: str) -> tuple[str, ...]:
    """The collections that a text names, each once and in the order of the registry; `all` stands for every one.

    Raises:
        ValueError: there is no collection of that name, or none is named.
    """
    names = {name.replace("_", "-") for name in given.replace(",", " ").split()}
    if not names:
        raise ValueError("names no collection; such as clockings people, or all")
    for name in sorted(names - COLLECTIONS.keys() - {"all"}):
        close = difflib.get_close_matches(name, COLLECTIONS, 1)
        known = f"; the nearest name is {close[0]}" if close else f"; there are {', '.join(COLLECTIONS)}, and all"
        raise ValueError(f"there is no collection {name!r}{known}")
    if "all" in names:
        return tuple(COLLECTIONS)
    return tuple(path for path in COLLECTIONS if path in names)


def scopes_of(collections: Iterable[str]) -> tuple[str, ...]:
    """The scopes that let a client read these collections."""
    return tuple(dict.fromkeys(COLLECTIONS[path].scope for path in collections))


def check_timezone(name: str) -> str:
    """The name, if it is one of an IANA time zone.

    Raises:
        ValueError: it is not an IANA time zone.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Brussels") from None
    # PostgreSQL takes CET, MET, EET and WET for fixed offsets without summer time.
    if "/" not in name and name != "UTC":
        raise ValueError(f"{name!r} is an abbreviation; give an IANA time zone such as Europe/Brussels")
    return name


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; UTC for one that Python does not know."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def check_tenant(name: str) -> str:
    """The name, if it may be a tenant's.

    Raises:
        ValueError: it is not a name of a tenant; of a URL the message gives the name.
    """
    if TENANT.fullmatch(name):
        return name
    try:
        host = urlsplit(name if "//" in name else f"//{name}").hostname or ""
    except ValueError:
        host = ""
    label, _, rest = host.partition(".")
    if rest in ENVIRONMENT_HOSTS.values() and TENANT.fullmatch(label):
        raise ValueError(f"write {label}, not https://{host}")
    raise ValueError("is the sub-domain of your myProtime URL alone, such as acme of https://acme.myprotime.eu")


def is_loopback(host: str) -> bool:
    """Whether that is this machine."""
    host = host.lower().removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
