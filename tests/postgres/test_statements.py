"""The files of `sql/engine`: what Python asks for is there, and what is there is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import protime_etl
from protime_etl.postgres.server import statements as loader
from protime_etl.postgres.server.statements import PART, query, sql_folder, statements, text

FILES = sorted((sql_folder() / "engine").glob("*.sql"))
SOURCE = "".join(path.read_text(encoding="utf-8") for path in Path(protime_etl.__file__).parent.rglob("*.py"))


def test_each_statement_is_asked_for() -> None:
    fragments = {part for statement in statements().values() for part in PART.findall(statement)}
    assert [name for name in statements() if f'"{name}"' not in SOURCE and name not in fragments] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_statement_begins_with_what_it_gives(path: Path) -> None:
    head, *sections = re.split("^-- name: ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert head.startswith("-- ")
    assert sections
    assert [one for one in sections if not re.match(r"[a-z_]+\n-- [A-Z]", one)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_for_one_of_the_two(path: Path) -> None:
    whole = path.read_text(encoding="utf-8")
    statement = "\n".join(line for line in whole.splitlines() if not line.lstrip().startswith("--"))
    if "For psycopg." in whole.splitlines()[0]:
        assert not re.search(r"(?<![:\w]):[a-z]", statement)
    else:
        assert "For SQLAlchemy." in whole.splitlines()[0]
        assert "%(" not in statement
        assert not re.search(r"(?<![:\w]):\w+::", statement), "SQLAlchemy would take a part of the name: use CAST"


def test_a_name_that_is_not_there_is_an_error() -> None:
    for ask in (query, text):
        with pytest.raises(KeyError, match="no_statement"):
            ask("no_statement")
    with pytest.raises(KeyError, match="target"):
        query("row_of_staged")


def test_a_name_that_is_there_twice_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    for name in ("a", "b"):
        (tmp_path / "engine" / f"{name}.sql").write_text("-- name: one\n-- One.\nSELECT 1\n", encoding="utf-8")
    monkeypatch.setattr(loader, "sql_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match="named one"):
        statements.__wrapped__()
