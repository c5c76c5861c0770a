"""Mistakes that a maintainer could make, each as a small patch, and the tests that have to see it.

Each `.toml` beside this file holds those of one part: `[[mistake]]` with the file, a text that occurs once in it, what
stands there by mistake (`by`), and the tests. One that no test can see has a `reason`. `make mutants` runs them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Mistake", "mistakes"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mistake:
    """One of them."""

    file: str
    """Below the root of the project."""
    text: str
    by: str
    tests: tuple[str, ...]
    """Node ids, or files."""
    reason: str = ""
    """Why it may go through."""

    @property
    def name(self) -> str:
        """The file, and the line at which it is made."""
        before, _, _ = (ROOT / self.file).read_text(encoding="utf-8").partition(self.text)
        return f"{self.file}:{before.count(chr(10)) + 1}"

    def occurrences(self, root: Path = ROOT) -> int:
        """How often the text occurs in the file: once, or it is not known what is meant."""
        return (root / self.file).read_text(encoding="utf-8").count(self.text)

    def make(self, root: Path) -> str:
        """Make it in a copy of the project; returns what stood there."""
        path = root / self.file
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace(self.text, self.by), encoding="utf-8")
        return before

    def mend(self, root: Path, before: str) -> None:
        """Put back what stood there."""
        (root / self.file).write_text(before, encoding="utf-8")


def mistakes() -> list[Mistake]:
    """All of them, part by part."""
    found: list[Mistake] = []
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["mistake"]
        found += [Mistake(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]
    return found
