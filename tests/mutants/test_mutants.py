"""The list of mistakes is up to date: each can still be made, and the tests that have to see it are there."""

from __future__ import annotations

import ast
from functools import cache

from tests.mutants import ROOT, mistakes


def test_each_mistake_can_be_made_in_one_place() -> None:
    found = mistakes()
    elsewhere = {(one.file, one.text): one.occurrences() for one in found if one.occurrences() != 1}
    assert not elsewhere, "the text of a mistake occurs so often, and not once"
    assert all(one.by != one.text for one in found)
    assert len(found) >= 120


def test_the_tests_that_have_to_see_them_are_there() -> None:
    missing = [node for one in mistakes() for node in one.tests if not _is_there(node)]
    assert not missing


def _is_there(node: str) -> bool:
    path, _, rest = node.partition("::")
    function = rest.partition("[")[0]
    return (ROOT / path).is_file() and (not function or function in _functions(path))


@cache
def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
