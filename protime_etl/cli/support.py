"""`protime-etl support-bundle`: what a report needs, in one file, with no secret and nothing about a person.

Texts may repeat what the tenant or PostgreSQL said, and that may be anything. So they are kept by what is known to be
harmless, not by what is known to be secret: words that this package itself uses, dates, and the status of an answer.
"""

from __future__ import annotations

import builtins
import datetime as dt
import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.engine import URL

from protime_etl.cli.console import print_line
from protime_etl.cli.place import warehouse
from protime_etl.cli.status import read_status
from protime_etl.cli.versions import versions
from protime_etl.config import ENV_FILE, PREFIX, Settings, load_place, load_settings
from protime_etl.env_file import read_env_file
from protime_etl.errors import ProtimeError, SettingsError
from protime_etl.postgres.schema.upgrade import schema_state
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.statements import sql_folder, text
from protime_etl.postgres.server.transactions import reading

__all__ = ["support_bundle"]

PACKAGE = Path(__file__).parents[1]
SHOWN = {
    *("environment", "collections", "scopes", "timezone", "max_wait_in_task", "max_vanished", "max_pause"),
    *("requests_per_second", "proof_requests", "history_from", "planned_days", "allow_http"),
}
"""Settings whose value is shown; of all others only whether they are set."""
LEFT_OUT = {"person_id", "problems"}
"""What names a person, and what repeats other entries in one line."""
COUNTS = {"units"}
"""Texts that are two numbers."""
TOKEN = re.compile(r"\d{4}-\d\d-\d\d|(?<=status )\d{3}|[^\W\d_]+|\d+")
KEPT = re.compile(r"\d{4}-\d\d-\d\d|\d{3}")
BLANK = "…"


def support_bundle(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")],
) -> None:
    """Write a file to attach to a bug report. Versions, settings without secrets, status, last errors, health, as JSON.

    It holds no secret and nothing about a person: words that are not protime-etl's own are left out of all texts.
    """
    bundle = {
        "written_at": dt.datetime.now(dt.UTC),
        "versions": versions(),
        "settings": _settings(),
        **_of_warehouse(),
    }
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        guidance = "Name a file that does not exist yet, in a folder that this user may write to."
        raise SettingsError(f"{file} cannot be written ({error.strerror}).", guidance=guidance) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        json.dump(bundle, output, indent=2, default=str, ensure_ascii=False)
        output.write("\n")
    print_line(f"Written: {file}. Read it before you attach it; {BLANK} stands for what was left out.")


def _settings() -> dict[str, object]:
    """What is set, by name."""
    try:
        settings = load_settings()
    except SettingsError as error:
        known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
        named = {name.upper() for name in os.environ}
        with suppress(SettingsError):  # it is the error then
            named |= {name.upper() for name in read_env_file(ENV_FILE)}
        return {**dict.fromkeys(sorted(known & named), "set"), "error": _harmless(str(error))}
    return {
        f"{PREFIX}{name.upper()}": getattr(settings, name) if name in SHOWN else "set"
        for name in Settings.model_fields
        if name in settings.model_fields_set
    }


def _of_warehouse() -> dict[str, object]:
    """What the warehouse says of itself, or why it says nothing."""
    try:
        with warehouse(there=True) as url:
            facts, found = read_status(url, load_place().collections)
            aliases = {row["tenant"]: f"tenant {number}" for number, row in enumerate(facts["tenants"], 1)}
            return {
                **_seen(url, aliases),
                "health": [_clean(one.as_dict(), aliases) for one in found],
                "status": _clean(facts, aliases),
            }
    except ProtimeError as error:
        return {"error": _harmless(str(error))}


def _seen(url: URL, aliases: Mapping[str, str]) -> dict[str, object]:
    engine = create_engine(url)
    try:
        state = schema_state(engine)
        with reading(engine) as connection:
            rejected = [dict(row) for row in connection.execute(text("reasons_of_rejected")).mappings()]
    finally:
        engine.dispose()
    server = {"PostgreSQL": state.server, "schema": state.current}
    return {"warehouse": server, "rejected": _clean(rejected, aliases)}


def _clean(value: Any, aliases: Mapping[str, str]) -> Any:
    """The same without names, numbers and words of others."""
    if isinstance(value, Mapping):
        return {
            key: aliases.get(one, BLANK) if key == "tenant" else one if key in COUNTS else _clean(one, aliases)
            for key, one in value.items()
            if key not in LEFT_OUT
        }
    if isinstance(value, (list, tuple)):
        return [_clean(one, aliases) for one in value]
    return _harmless(value) if isinstance(value, str) else value


def _harmless(text: str) -> str:
    def kept(found: re.Match[str]) -> str:
        return found[0] if KEPT.fullmatch(found[0]) or found[0].lower() in _words() else BLANK

    return TOKEN.sub(kept, text)


@cache
def _words() -> frozenset[str]:
    """The words of this package and of Python's errors."""
    written = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if "simulator" not in path.parts]
    written += [path.read_text(encoding="utf-8") for path in sql_folder().rglob("*.sql")]
    words: Callable[[str], list[str]] = re.compile(r"[^\W\d_]+").findall
    return frozenset(word.lower() for text in (*written, *dir(builtins)) for word in words(text))
