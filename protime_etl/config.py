"""Settings: from the environment (`PROTIME_*`) and a `.env` file, or filled by the Airflow hook.

Hosts: https://documentation.myprotime.eu/protimeapi/reference/authentication/
"""

from __future__ import annotations

import datetime as dt
import difflib
import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from protime_etl import __version__
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.env_file import read_env_file
from protime_etl.errors import SettingsError
from protime_etl.setting_values import (
    ENVIRONMENT_HOSTS,
    check_tenant,
    check_timezone,
    choose_collections,
    is_loopback,
    scopes_of,
)

__all__ = [
    "CLOCKINGS_SCOPE",
    "EARLIEST",
    "ENV_FILE",
    "PEOPLE_SCOPE",
    "PlaceSettings",
    "Settings",
    "load_place",
    "load_settings",
    "nearest",
]

CLOCKINGS_SCOPE = COLLECTIONS["clockings"].scope
PEOPLE_SCOPE = COLLECTIONS["people"].scope
DEFAULT_COLLECTIONS = ("clockings", "people")
PREFIX = "PROTIME_"
ENV_FILE = Path(".env")
EARLIEST = dt.date(1970, 1, 1)
"""No collection has days before it."""
# What docker-compose.yml and the DAGs read themselves.
NO_SETTINGS = {"PROTIME_WAREHOUSE_PASSWORD", "PROTIME_CHANGES_SCHEDULE", "PROTIME_ALERT_EMAIL"}
BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\0\u200b\u200e\u200f\u2060\ufeff"

log = logging.getLogger(__name__)


class PlaceSettings(BaseSettings):
    """Where things are on this side; all that a command needs that asks the tenant nothing."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", env_ignore_empty=True, frozen=True)

    tenant: str = ""
    database_url: SecretStr | None = None
    """`postgresql://...`; unset: the embedded PostgreSQL."""
    home: Path = Path(".protime")
    """Folder of the embedded PostgreSQL and of the local Airflow."""
    collections: Annotated[tuple[str, ...], NoDecode] = DEFAULT_COLLECTIONS
    """What is read: paths of collections, in the order of the registry; `all` stands for every one."""

    @field_validator("*", mode="before")
    @classmethod
    def _trim(cls, value: object) -> object:
        """What was pasted or read from a file has blanks and line breaks at its ends; inside they are no part of it."""
        if not isinstance(value, str):
            return value
        trimmed = value.strip(BLANK)
        if not trimmed.isprintable():
            raise ValueError("has a line break or another character inside that cannot be printed")
        return trimmed

    @field_validator("collections", mode="before")
    @classmethod
    def _choose(cls, value: object) -> object:
        return choose_collections(value) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        named = {name.upper(): value for name, value in read_env_file(ENV_FILE).items()}
        of_file = {name.removeprefix(PREFIX).lower(): named[name] for name in named if name.startswith(PREFIX)}
        return (init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=of_file))


class Settings(PlaceSettings):
    """What one tenant and one warehouse need; the one object that every layer is given."""

    tenant: Annotated[str, AfterValidator(check_tenant)]
    """Sub-domain of the myProtime URL: `acme` in https://acme.myprotime.eu."""
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Annotated[SecretStr, Field(min_length=1)]
    environment: Literal["production", "sandbox"] = "production"
    scopes: Annotated[tuple[str, ...], NoDecode] = ()
    """What a token is asked for; unset: the scopes of the chosen collections."""
    user_agent: str = ""
    """`Service/Version (Company)`, sent with every request; empty: protime-etl's own with the tenant's name."""
    timezone: Annotated[str, AfterValidator(check_timezone)] = "Europe/Brussels"
    """IANA time zone of the tenant's terminals: the API gives wall-clock minutes without one."""
    api_url: str = ""
    auth_url: str = ""
    max_wait_in_task: Annotated[float, Field(ge=0, le=3600)] = 60.0
    """Seconds that a process sits out by itself when the API asks to wait; a longer wait is left to the scheduler."""
    max_vanished: Annotated[int, Field(ge=0)] | None = None
    """Records that may be missing at once before none of them is marked as deleted; unset: a tenth of what was read,
    and at least 50."""
    max_pause: Annotated[float, Field(gt=0, le=31_536_000)] = 86_400.0
    """Seconds of the longest pause that is kept, whatever the API asks: an answer may ask for years by mistake."""
    requests_per_second: Annotated[float, Field(ge=0.1, le=1000)] | None = None
    """Budget shared by all processes of the tenant; unset: as fast as the API answers."""
    proof_requests: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Requests by which each night proves what was proven longest ago; unset: a tenth of the night's own, and at least
    20; 0: none."""
    history_from: dt.date | None = None
    """First day of which everything is due, from the next run on; unset: what runs have asked for."""
    planned_days: Annotated[int, Field(ge=0, le=365)] = 90
    """Days to come of which collections of plans, such as absences, are due, and read again each night; 0: none."""
    allow_http: bool = False
    """Accept http:// for a host that is not this machine, as between containers. Never for a real tenant."""

    @field_validator("history_from", mode="before")
    @classmethod
    def _read_first_day(cls, value: object) -> object:
        """A number is no date, and of other days no run could read what would be due."""
        if not isinstance(value, str) or not value:
            return value
        try:
            day = dt.date.fromisoformat(value)
        except ValueError:
            day = dt.date.min
        # Somewhere it is tomorrow already.
        if not EARLIEST <= day <= dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
            raise ValueError(f"give it as YYYY-MM-DD, from {EARLIEST} to today")
        return day

    @field_validator("scopes", mode="before")
    @classmethod
    def _split_scopes(cls, value: object) -> object:
        if isinstance(value, str) and not value.split():
            raise ValueError("names no scope")
        return tuple(value.split()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _ask_for_what_is_read(self) -> Settings:
        if not self.scopes:
            object.__setattr__(self, "scopes", scopes_of(self.collections))
        return self

    @field_validator("user_agent")
    @classmethod
    def _check_user_agent(cls, value: str) -> str:
        # The API refuses a request without one; the form is documented in reference/general-specs.
        if value and not re.fullmatch(r"[\x21-\x7e]+/[\x21-\x7e]+ \([\x20-\x7e]+\)", value):
            raise ValueError("must look like Service/Version (Company)")
        return value

    @model_validator(mode="after")
    def _check_urls(self) -> Settings:
        for name in ("api_url", "auth_url"):
            if not getattr(self, name):
                continue
            try:
                url = urlsplit(getattr(self, name))
                wrong = url.scheme not in ("http", "https") or not url.hostname or url.port == 0
            except ValueError:
                wrong = True
            if wrong or url.query or url.fragment or "@" in url.netloc:
                raise ValueError(f"{PREFIX}{name.upper()} must look like https://host[:port]")
            if url.scheme == "http" and not (self.allow_http or is_loopback(url.hostname)):
                raise ValueError(
                    f"{PREFIX}{name.upper()} must use https, unless it is this machine or {PREFIX}ALLOW_HTTP is true"
                )
        return self

    @property
    def api_base(self) -> str:
        """Scheme and host of the tenant's API, without a closing slash."""
        return (self.api_url or f"https://{self.tenant}.{ENVIRONMENT_HOSTS[self.environment]}").rstrip("/")

    @property
    def api_host(self) -> str:
        """Which source this is: the host of the API, with a port that is not the usual one.

        Of this machine without: a simulated tenant has another port each time.
        """
        url = urlsplit(self.api_base)
        host = (url.hostname or "").lower()
        if is_loopback(host):
            return "localhost"
        return host if url.port in (None, 80, 443) else f"{host}:{url.port}"

    @property
    def token_endpoint(self) -> str:
        """Where a token is asked for."""
        base = self.auth_url or f"https://authentication.{ENVIRONMENT_HOSTS[self.environment]}"
        return f"{base.rstrip('/')}/tenants/{self.tenant}/connect/token"

    @property
    def agent(self) -> str:
        """The `User-Agent` that goes with every request."""
        return self.user_agent or f"protime-etl/{__version__} ({self.tenant})"


class _GivenSettings(Settings):
    """Settings that are held elsewhere, such as in an Airflow connection."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def load_place() -> PlaceSettings:
    """Where things are on this side, from the environment and `.env`.

    Raises:
        SettingsError: as `load_settings`.
    """
    with _named_errors():
        _log_unknown_settings()
        return PlaceSettings()


def load_settings(*, from_environment: bool = True, **given: Any) -> Settings:
    """The settings: those given as arguments; unless `from_environment` is false, the others from there and `.env`.

    Raises:
        SettingsError: a setting is missing or wrong, and the message names it and never shows a secret; or `.env`
            cannot be read.
    """
    with _named_errors():
        if not from_environment:
            return _GivenSettings(**given)
        _log_unknown_settings()
        return Settings(**given)


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the one of the known names that may have been meant."""
    close = difflib.get_close_matches(name, known, 1, 0.75)
    return f"Did you mean {close[0]}?" if close else "docs/settings.md lists all settings."


def _log_unknown_settings() -> None:
    for name in sorted({*os.environ, *read_env_file(ENV_FILE)}):
        if name.upper().startswith(PREFIX):
            _log_if_unknown(name)


@cache
def _log_if_unknown(name: str) -> None:
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields} | NO_SETTINGS
    if name.upper() not in known:
        log.warning("%s is not a setting and has no effect. %s", name, nearest(name.upper(), known))


@contextmanager
def _named_errors() -> Iterator[None]:
    """Raise what is wrong with the settings in one line."""
    try:
        yield
    except ValidationError as error:
        problems = []
        for problem in error.errors(include_input=False, include_url=False):
            name = f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}".rstrip("_")
            if problem["type"] == "missing":
                problems.append(f"{name} is not set")
            elif problem["loc"]:
                problems.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
            else:
                problems.append(problem["msg"].removeprefix("Value error, "))
        where = "in the environment or in a .env file here"
        if not os.access(ENV_FILE.parent, os.X_OK):
            where = "in the environment: this user may not enter this folder, so no .env file was read"
        it = "it" if len(problems) == 1 else "them"
        raise SettingsError("; ".join(problems) + ".", guidance=f"Set {it} {where} (docs/settings.md).") from None
