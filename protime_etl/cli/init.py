"""`protime-etl init`: asks for the settings of a tenant, tries each, and writes `.env` when all of them work."""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from sqlalchemy.engine import URL

from protime_etl.cli.checks import require_warehouse
from protime_etl.cli.console import print_error, print_line, print_note, program
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import DEFAULT_COLLECTIONS, ENV_FILE, PREFIX, Settings, load_settings
from protime_etl.counted import counted
from protime_etl.env_file import read_env_file, write_env_file
from protime_etl.errors import AuthenticationError, ProtimeError, SettingsError
from protime_etl.postgres.schema.rights import require_creation
from protime_etl.postgres.schema.upgrade import schema_state
from protime_etl.postgres.server.address import parse_url, place_of
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.embedded import embedded_postgres
from protime_etl.protime.auth import MemoryTokenStore, Token, TokenSource
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.token_requests import GrantedTokens
from protime_etl.protime.transport import new_session
from protime_etl.setting_values import ENVIRONMENT_HOSTS, check_tenant, check_timezone, choose_collections, scopes_of

__all__ = ["init"]

EMBEDDED = "embedded"
CREDENTIALS = ("client_id", "client_secret")
Answers = dict[str, Any]


def init(
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take PROTIME_* from the environment.")] = False,
) -> None:
    """Ask for the settings of your tenant and write .env. Each answer is tested, and nothing is written until all work.

    The secret is neither shown nor printed; the file is for your user alone.
    """
    _require_writable_folder()
    if not (yes or sys.stdin.isatty()):
        raise SettingsError(
            "There is no terminal for the questions.", guidance="Set PROTIME_* in the environment and pass --yes."
        )
    try:
        kept = _kept(yes=yes)
        settings, needs_upgrade = _taken() if yes else _asked()
    except typer.Abort:
        raise ProtimeError("Interrupted.", guidance="Nothing was written.") from None
    values = _values(settings)
    write_env_file(ENV_FILE, {**{name: value for name, value in kept.items() if name not in values}, **values})
    print_line(f"Written: {ENV_FILE}, for your user alone. Keep it out of version control.")
    if over := sorted(name for name in os.environ if name.startswith(PREFIX) and os.environ[name] != values.get(name)):
        print_note(f"Set in this environment, which takes precedence over {ENV_FILE}: {', '.join(over)}.")
    today = dt.datetime.now(dt.UTC).date()
    print_line("Next:")
    if needs_upgrade:
        print_line(f"  {program()} db upgrade")
    print_line(f"  {program()} sync --from {today.replace(day=1)} --to {today}")
    if not needs_upgrade:
        print_line(f"  {program()} status")


def _require_writable_folder() -> None:
    """Find out before anything is asked.

    Raises:
        SettingsError: no file can be made here.
    """
    try:
        with tempfile.TemporaryFile(dir="."):
            pass
    except OSError as error:
        raise SettingsError(
            f"No {ENV_FILE} can be written in this folder ({error.strerror}).",
            guidance="Go to a folder in which this user may write.",
        ) from None


def _kept(*, yes: bool) -> Mapping[str, str]:
    """What the file that is here says already.

    Raises:
        SettingsError: it is not to be replaced.
    """
    if not os.path.lexists(ENV_FILE):
        return {}
    if yes:
        raise SettingsError(f"There is a {ENV_FILE} here already.", guidance="Move it away, or run init without --yes.")
    kept = read_env_file(ENV_FILE)
    if not typer.confirm(
        f"Replace the {ENV_FILE} that is here? Its settings are kept, its comments are not.", err=True
    ):
        raise SettingsError("Nothing was written.", guidance="Go to another folder to keep both.")
    return kept


def _taken() -> tuple[Settings, bool]:
    """The settings of the environment, once each was tried; and whether the warehouse needs `db upgrade`."""
    settings = load_settings()
    token, granted = _connect(settings)
    _try_collections(settings, token, granted)
    return settings, _try_warehouse(settings)


def _asked() -> tuple[Settings, bool]:
    """The settings that the user gives; what does not work is asked for again."""
    now = {name: value for name, value in {**read_env_file(ENV_FILE), **os.environ}.items() if value}
    answers: Answers = {
        field: now[f"{PREFIX}{field.upper()}"] for field in Settings.model_fields if f"{PREFIX}{field.upper()}" in now
    }
    print_note("Press Enter to keep the value in brackets.")
    again: Sequence[str] = ("tenant", "environment", *CREDENTIALS)
    while True:
        _ask(answers, *again)
        try:
            token, granted = _connect(
                load_settings(**answers | {"collections": "all", "scopes": " ".join(KNOWN_SCOPES)})
            )
            _ask_collections(answers, granted)
            _try_collections(load_settings(**answers), token, granted)
            break
        except ProtimeError as error:
            print_error(error)
            wrong = isinstance(error, AuthenticationError) and error.code == "invalid_client"
            again = CREDENTIALS if wrong else ("tenant", "environment", *CREDENTIALS)
    _ask(answers, "timezone")
    while True:
        try:
            _ask_warehouse(answers)
            settings = load_settings(**answers)
            return settings, _try_warehouse(settings)
        except ProtimeError as error:
            print_error(error)


KNOWN_SCOPES = scopes_of(COLLECTIONS)


def _environment(given: str) -> str:
    if given not in ENVIRONMENT_HOSTS:
        raise ValueError(f"is {' or '.join(ENVIRONMENT_HOSTS)}")
    return given


QUESTIONS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "tenant": ("Tenant, such as acme of https://acme.myprotime.eu", check_tenant),
    "environment": ("Environment, production or sandbox", _environment),
    "client_id": ("Client id", str),
    "client_secret": ("Client secret (not shown)", str),
    "collections": ("Collections, or all", choose_collections),
    "timezone": ("Time zone of the terminals", check_timezone),
}
DEFAULTS = {"environment": "production", "timezone": "Europe/Brussels"}


def _ask(answers: Answers, *names: str) -> None:
    """Ask for settings until each may be one."""
    for name in names:
        text, check = QUESTIONS[name]
        hidden = name == "client_secret"
        while True:
            given = typer.prompt(
                f"{text} [the one before]" if hidden and name in answers else text,
                default=answers.get(name, DEFAULTS.get(name)),
                hide_input=hidden,
                show_default=not hidden,
                err=True,
            ).strip()
            try:
                check(given)
            except ValueError as error:
                print_error(SettingsError(f"{text.partition(',')[0]}: {error}."))
            else:
                answers[name] = given
                break


def _connect(settings: Settings) -> tuple[Token, Sequence[str]]:
    """A token, and the scopes that the client has of those of the settings.

    Raises:
        ProtimeError: the token endpoint gives none.
    """
    with closing(new_session()) as session:
        return GrantedTokens(session).ask(settings)


def _ask_collections(answers: Answers, granted: Sequence[str]) -> None:
    """Show which collections the client may read, and ask which of them are wanted."""
    may = [path for path in COLLECTIONS if COLLECTIONS[path].scope in granted]
    print_line(f"This client may read {len(may)} of {counted(len(COLLECTIONS), 'collection')}: {', '.join(may)}.")
    answers.setdefault("collections", " ".join(path for path in DEFAULT_COLLECTIONS if path in may) or " ".join(may))
    while True:
        _ask(answers, "collections")
        if not (missing := _not_granted(choose_collections(answers["collections"]), granted)):
            return
        print_error(missing)
        answers["collections"] = " ".join(one for one in choose_collections(answers["collections"]) if one in may)


def _not_granted(chosen: Sequence[str], granted: Sequence[str]) -> SettingsError | None:
    missing = [path for path in chosen if COLLECTIONS[path].scope not in granted]
    if not missing:
        return None
    return SettingsError(
        f"The client lacks the scopes of {', '.join(missing)}.",
        guidance=f"Leave them out, or ask Protime to add {', '.join(scopes_of(missing))}.",
    )


def _try_collections(settings: Settings, token: Token, granted: Sequence[str]) -> None:
    """Ask the tenant for a record of each.

    Raises:
        ProtimeError: the first that cannot be read, and why.
    """
    if missing := _not_granted(settings.collections, granted):
        raise missing
    client = ProtimeClient(settings, TokenSource(settings, MemoryTokenStore(), fetch=lambda _: token))
    with closing(client):
        for path in settings.collections:
            client.probe(COLLECTIONS[path])
    print_line(f"Checked: {settings.tenant} at {settings.api_base}, {', '.join(settings.collections)}")


def _ask_warehouse(answers: Answers) -> None:
    """Ask for the database; a password that is not in its address is asked for and not shown.

    Raises:
        SettingsError: it is no address.
    """
    before = answers.get("database_url")
    shown = place_of(parse_url(before)) if before else EMBEDDED
    given = typer.prompt(
        f"PostgreSQL, postgresql://user@host:5432/database or {EMBEDDED} [{shown}]",
        default=before or EMBEDDED,
        show_default=False,
        err=True,
    ).strip()
    if given == EMBEDDED:
        answers["database_url"] = None
        return
    url = parse_url(given)
    if url.host and url.username and url.password is None and not url.query.keys() & {"passfile", "service"}:
        password = typer.prompt(
            f"Password of {url.username} (not shown; Enter for none)",
            default="",
            hide_input=True,
            show_default=False,
            err=True,
        )
        if password:
            given = url.set(drivername="postgresql", password=password).render_as_string(hide_password=False)
    answers["database_url"] = given


def _try_warehouse(settings: Settings) -> bool:
    """Whether the schema has to be made or brought up to date.

    Raises:
        ProtimeError: the warehouse cannot be used as it is.
    """
    if settings.database_url is None:
        with embedded_postgres(settings.home):
            print_line(f"Checked: the embedded PostgreSQL, in {settings.home / 'postgres'}")
        return False  # each command does that
    url: URL = parse_url(settings.database_url.get_secret_value())
    engine = create_engine(url)
    try:
        state = schema_state(engine)
        if state.current is None:
            require_creation(engine)
        elif state.up_to_date or state.newer:
            require_warehouse(engine, settings)
    finally:
        engine.dispose()
    print_line(f"Checked: PostgreSQL {state.server} at {place_of(url)}")
    return not state.up_to_date


def _values(settings: Settings) -> dict[str, str]:
    """What was given, as variables; the rest follows from the defaults."""
    values = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name in settings.model_fields_set and value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else value
            values[f"{PREFIX}{name.upper()}"] = " ".join(text) if isinstance(text, tuple) else str(text)
    return values
