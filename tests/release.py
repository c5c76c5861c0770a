"""What `make release` puts into dist/: archives, bill of materials and checksums; prints the notes of the version."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from tests.dependencies import NAME, PROJECT, ROOT, asked, installed, licence

__all__ = ["bill_of_materials", "build", "main", "not_pinned", "notes", "reminders", "write"]

SUMS = "SHA256SUMS"
BILL_VERSION = SchemaVersion.V1_6


def _run(*arguments: str | Path) -> str:
    """Run a module of Python; its output.

    Raises:
        SystemExit: it failed, with what it printed.
    """
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path, root: Path = ROOT) -> list[Path]:
    """Build the source archive, and the wheel from it; the two files, checked as an index would."""
    _run("build", "--no-isolation", "--outdir", folder, root)
    made = sorted(folder.glob(f"{NAME.replace('-', '_')}-*"))
    _run("twine", "check", "--strict", *made)
    return made


def not_pinned() -> list[str]:
    """Packages whose installed version is not that of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {str(canonicalize_name(name)): text for name, _, text in (one.partition("==") for one in lines)}
    return sorted(one for one in installed() if version(one) != pinned.get(one))


def bill_of_materials() -> dict[str, Any]:
    """The CycloneDX document of protime-etl and of what is installed with its extras for users."""
    form = ("--spec-version", BILL_VERSION.to_version(), "--no-validate")
    bill: dict[str, Any] = json.loads(
        _run("cyclonedx_py", "environment", "--pyproject", "pyproject.toml", *form, sys.executable)
    )
    names = installed()
    bill["components"] = [one for one in bill["components"] if canonicalize_name(one["name"]) in names]
    for one in bill["components"]:  # what cyclonedx does not recognise is given in the package's own words
        one.setdefault("licenses", [{"license": {"name": licence(one["name"])}}])
    kept = {one["bom-ref"]: canonicalize_name(one["name"]) for one in bill["components"]}
    # What stands there are also the tools of the tests: protime-etl's own, and those of extras that were not asked for.
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"] if one["ref"] in kept}
    direct = {canonicalize_name(needed.name) for _, needed in asked()}
    needs[bill["metadata"]["component"]["bom-ref"]] = [ref for ref, name in kept.items() if name in direct]
    bill["dependencies"] = [
        {"ref": ref, "dependsOn": [one for one in others if one in kept]} for ref, others in needs.items()
    ]
    return bill


def notes(changelog: str, release: str) -> str:
    """What the changelog says of a version, or of what is not released yet.

    Raises:
        LookupError: neither is there.
    """
    sections = re.findall(r"^## \[([^\]]+)\].*\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    found: dict[str, str] = dict(reversed(sections))
    for name in (release, "Unreleased"):
        if name in found:
            return found[name].strip()
    raise LookupError(f"CHANGELOG.md has no section [{release}] and none [Unreleased]")


def reminders(project: dict[str, Any], changelog: str) -> list[str]:
    """What the owner has to do before it can be published."""
    found = []
    if f"## [{project['version']}] - " not in changelog:
        found.append(f"CHANGELOG.md: give the section [Unreleased] the heading [{project['version']}] - DATE.")
    if not project.get("urls"):
        found.append("pyproject.toml: [project.urls] is not filled in; the package names no address.")
    changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=False, cwd=ROOT)
    if changed.returncode or changed.stdout:
        found.append("The files are not those of a commit.")
    return found


def write(folder: Path, project: dict[str, Any], root: Path = ROOT) -> list[str]:
    """Put archives, bill of materials and checksums into an empty folder; the lines of the checksums."""
    made = build(folder, root)
    bill = folder / f"{NAME.replace('-', '_')}-{project['version']}.cdx.json"
    bill.write_text(json.dumps(bill_of_materials(), indent=1) + "\n", encoding="utf-8")
    sums = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}" for one in (*made, bill)]
    (folder / SUMS).write_text("\n".join(sums) + "\n", encoding="utf-8")
    return sums


def main() -> None:
    """Write dist/ and check it; then the notes on stdout, and on stderr what is left to do."""
    project = tomllib.loads(PROJECT)["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    try:
        text = notes(changelog, project["version"])
    except LookupError as error:
        sys.exit(str(error))
    if others := not_pinned():
        sys.exit(f"Installed in another version than constraints.txt has: {', '.join(others)}. Run make again.")
    folder = ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    sums = write(folder, project)
    (bill,) = folder.glob("*.cdx.json")
    if wrong := JsonStrictValidator(BILL_VERSION).validate_str(bill.read_text(encoding="utf-8")):
        sys.exit(f"{bill.name} is not valid: {wrong}")
    print(f"{NAME} {project['version']}\n\n{text}\n\n" + "\n".join(sums))  # noqa: T201
    for one in reminders(project, changelog):
        print(f"Left to do: {one}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
