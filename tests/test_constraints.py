"""constraints-hashed.txt is constraints.txt with hashes, and pip installs nothing else with it."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HASHED = ROOT / "constraints-hashed.txt"


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version.replace("-post", ".post") for name, version in found}


def test_each_pin_has_its_hashes_and_no_address_is_there() -> None:
    text = HASHED.read_text()
    assert pins(text) == pins((ROOT / "constraints.txt").read_text()), "run make hashes"
    for block in re.split(r"\n(?=[\w])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block
    assert not re.search(r"://|--(extra-)?index|--find-links", text)


@pytest.mark.long
def test_pip_takes_the_hashed_files_and_no_other(tmp_path: Path) -> None:
    built = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(built, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "own.txt").write_text(f"protime-etl @ {wheel.as_uri()} --hash=sha256:{digest}")
    (tmp_path / "other.txt").write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", HASHED.read_text()))
    venv.create(tmp_path / "empty", with_pip=True)
    python = str(tmp_path / "empty" / "bin" / "python")
    # The first that takes hashes from constraints.
    subprocess.run([python, "-m", "pip", "install", "--quiet", "pip>=26.1"], check=True, capture_output=True)

    def install(constraints: Path) -> subprocess.CompletedProcess[str]:
        command = [python, "-m", "pip", "install", "--dry-run", "--require-hashes", "-c", str(constraints)]
        return subprocess.run(
            [*command, "-r", str(tmp_path / "own.txt")],
            capture_output=True,
            text=True,
            check=False,
        )

    taken = install(HASHED)
    assert taken.returncode == 0, taken.stderr
    assert "Would install" in taken.stdout
    refused = install(tmp_path / "other.txt")
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
