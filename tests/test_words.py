"""Plain English in all that users and readers of the code see: words that hide the subject or sound foreign."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from protime_etl.cli.commands import COMMANDS, DB_COMMANDS

ROOT = Path(__file__).parents[1]
WORDS = re.compile(
    r"""(?ix)
    \b(?: told | tells? | telling  # reported, returned, logged, recorded
    | anew                         # again; start over
    | nobody | somebody | whoever | everybody  # no process, the caller, all people
    | (?: so | that ) \s+ many     # the number
    | (?-i: is \s+ none )          # is not ..., has no ...; `is None` is code
    | turns? \s+ of \s+ (?: a | the ) (?: \s+ \w+ )? \s+ deltas?  # poll
    )\b"""
)
SOURCE_WORDS = re.compile(rf"{WORDS.pattern} | \b turns? \b")
"""In code a turn is never anything but a poll of the delta or a slot of the budget."""
INSIDE_NAMES = re.compile(r"_|(?<=[a-z])(?=[A-Z])")
EXCEPTIONS = {".tell()": "the position in a file, as Python calls it"}
"""Text that stays as it is -> the reason; it is left out before the words are looked for."""
KEPT_IN_SOURCES = {
    "\\told": "a tab before the word old",
    '"pgserver", "nobody"': "an account of Unix",
}
"""Text of the tests' own sources that stays as it is -> the reason."""
NAMES = {"__all__"}
"""Lists of names: these are renamed with what they name."""
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md")

Line = tuple[int, str]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def files(*patterns: str) -> list[str]:
    """Paths that the patterns name, below the root."""
    found = {relative(path) for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "__pycache__" not in path)


MODULES = [path for path in files("protime_etl/**/*.py", "dags/**/*.py") if "migrations/versions" not in path]
TEXTS = files(
    "sql/**/*.sql",
    "protime_etl/airflow/page/page.*",
    "docker-compose.yml",
    "Makefile",
    "Dockerfile*",
    "deploy/**/*",
)
SOURCES = [path for path in files("tests/**/*.py", "benchmarks/**/*.py") if path != "tests/test_words.py"]


def bodies(tree: ast.AST) -> Iterator[ast.Constant]:
    """The docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def named(tree: ast.AST) -> Iterator[ast.AST]:
    """What stands in lists of names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id in NAMES for one in node.targets):
            yield from ast.walk(node.value)


def messages(path: str) -> Iterator[Line]:
    """Every string of a module, with its line; its docstrings only where users see them."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    hidden = {id(node) for node in named(tree)}
    if not path.startswith("dags/"):
        hidden |= {id(node) for node in bodies(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in hidden:
            yield node.lineno, node.value


def whole(path: str) -> Iterator[Line]:
    yield 1, (ROOT / path).read_text(encoding="utf-8")


def source(path: str) -> Iterator[Line]:
    """All of a file, with its names taken apart."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for kept in KEPT_IN_SOURCES:
        text = text.replace(kept, "")
    yield 1, INSIDE_NAMES.sub(" ", text)


def found(path: str, texts: Iterator[Line], words: re.Pattern[str] = WORDS) -> list[str]:
    """Where a word of the list is, as an editor takes it."""
    wrong = []
    for line, text in texts:
        for kept in EXCEPTIONS:
            text = text.replace(kept, "")  # noqa: PLW2901 - the rest of it
        for match in words.finditer(text):
            at = line + text.count("\n", 0, match.start())
            wrong.append(f"{path}:{at}: {' '.join(match.group().split())}")
    return wrong


@pytest.mark.parametrize("path", MODULES)
def test_messages_are_plain_english(path: str) -> None:
    assert found(path, messages(path)) == []


@pytest.mark.parametrize("path", MODULES)
def test_source_is_plain_english(path: str) -> None:
    assert found(path, source(path), SOURCE_WORDS) == []


@pytest.mark.parametrize("path", [path for path in TEXTS if path.startswith("sql/")])
def test_sql_is_plain_english(path: str) -> None:
    assert found(path, source(path)) == []


@pytest.mark.parametrize("path", TEXTS)
def test_texts_are_plain_english(path: str) -> None:
    assert found(path, whole(path)) == []


@pytest.mark.parametrize("name", [*COMMANDS, *DB_COMMANDS])
def test_the_help_of_a_command_is_plain_english(name: str) -> None:
    module, function = {**COMMANDS, **DB_COMMANDS}[name][0].split(":")
    text = getattr(import_module(f"protime_etl.cli.{module}"), function).__doc__
    assert text
    assert found(name, iter([(1, text)])) == []


@pytest.mark.parametrize("path", files(*DOCUMENTS))
def test_documents_are_plain_english(path: str) -> None:
    assert found(path, whole(path)) == []


def test_the_sources_of_the_tests_are_plain_english() -> None:
    assert len(SOURCES) > 200
    assert [line for path in SOURCES for line in found(path, source(path))] == []


def test_the_words_are_found() -> None:
    assert len(MODULES) > 150
    assert len(TEXTS) > 40
    spoilt = "It was told\nto everybody so\nmany times: there is none. A turn of the delta.\nAnew."
    assert found("a", iter([(3, spoilt)])) == [
        "a:3: told",
        "a:4: everybody",
        "a:4: so many",
        "a:5: is none",
        "a:5: turn of the delta",
        "a:6: Anew",
    ]


def test_the_words_are_found_in_names() -> None:
    spoilt = "if next_turn is None:\n    toldDays = NOBODY"
    assert found("a", iter([(1, INSIDE_NAMES.sub(" ", spoilt))]), SOURCE_WORDS) == [
        "a:1: turn",
        "a:2: told",
        "a:2: NOBODY",
    ]
