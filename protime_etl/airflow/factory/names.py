"""Names of a tenant's DAGs and assets, and that no two tenants have the same."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from airflow.sdk import Asset

from protime_etl.errors import SettingsError

__all__ = ["asset_of", "check_name", "refuse_second"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
DEFAULT = "protime"
FACTORY = "protime_dags"


def check_name(name: str) -> None:
    """Refuse what makes no id.

    Raises:
        SettingsError: it is no name.
    """
    if not NAME.fullmatch(str(name)):
        raise SettingsError(
            f"protime_dags({name!r}): a name is made of small letters, digits and _, and begins with a letter.",
            guidance="It is how the ids of the DAGs and assets begin, such as beta in beta_clockings_nightly.",
        )


def asset_of(name: str, part: str = "") -> Asset:
    """The asset of the clockings of a tenant, or of a part of what is told of them."""
    # Promised before there could be a second tenant.
    base = "protime://warehouse/protime/clockings" if name == DEFAULT else f"protime://{name}/clockings"
    suffix, path = (f"_{part}", f"/{part}") if part else ("", "")
    return Asset(name=f"{name}_clockings{suffix}", uri=f"{base}{path}", group=name)


def refuse_second(name: str, only: Collection[str]) -> None:
    """Refuse a DAG that another call has made already: in the same file, or in one before it in the same folder.

    Airflow reads each file in a process of its own and would take now the one and now the other. So that a mistaken
    second file does not stop the first one's nights, only the second is refused.

    Raises:
        SettingsError: there is one.
    """
    file = _calling_file()
    if file is None:
        return
    calls = [call for call in _calls_in(file) if call[0] == name and call[1] & {*only}]
    if len(calls) > 1:
        raise SettingsError(
            f"protime_dags({name!r}) is called twice in {file.name}.", guidance="Give one another name."
        )
    for other in sorted(file.parent.glob("*.py")):
        if other >= file:
            return
        if any(call[0] == name and call[1] & {*only} for call in _calls_in(other)):
            raise SettingsError(
                f"protime_dags({name!r}) is called in {file.name} and in {other.name}: two DAGs of one id.",
                guidance="Give one another name, or remove one file.",
            )


def _calling_file() -> Path | None:
    """The DAG file that is being read: where the factory was called."""
    package = Path(__file__).parent
    callers = (Path(frame.filename) for frame in inspect.stack(context=0))
    file = next((path for path in callers if path.parent != package), None)
    return file if file is not None and file.is_file() else None


def _calls_in(file: Path) -> Iterator[tuple[str, set[str]]]:
    """Name and kinds of each call of the factory in a file, as far as they are written out."""
    try:
        text = file.read_text(encoding="utf-8")
        if FACTORY not in text:
            return
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return  # Airflow will say what is wrong with it
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == FACTORY:
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            name = _literal(node.args[0] if node.args else given.get("name"), DEFAULT)
            only = _literal(given.get("only"), ("nightly", "changes", "backfill"))
            if isinstance(name, str) and isinstance(only, (list, tuple, set)):
                yield name, {str(kind) for kind in only}


def _literal(node: ast.expr | None, default: object) -> object:
    try:
        return default if node is None else ast.literal_eval(node)
    except ValueError:
        return None
