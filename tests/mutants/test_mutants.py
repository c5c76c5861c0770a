"""The list of mistakes is up to date: each can still be made, and the tests that have to see it are there."""

from __future__ import annotations

import ast

import pytest

from tests.mutants import ROOT, mistakes


@pytest.mark.parametrize("one", mistakes(), ids=lambda one: one.name)
def test_each_mistake_can_be_made_in_one_place(one) -> None:
    assert one.occurrences() == 1
    assert one.by != one.text
