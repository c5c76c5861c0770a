"""The steps of CONTRIBUTING.md, followed word by word in a copy of the project: a new collection costs four files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n# (\S+?)(: MODULES)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
COPIED = ("protime_etl", "sql", "dags", "tests", "pyproject.toml", "README.md", "Makefile", "CONTRIBUTING.md")
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*_cache")


class Copy:
    """The project in another folder, under version control to see what is changed there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
            else:
                shutil.copy(ROOT / name, folder / name)
        (folder / ".gitignore").write_text("__pycache__/\n.*_cache/\n")
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "--quiet", "--message=before")

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def python(self, *arguments: str) -> str:
        return self.run(sys.executable, *arguments)

    def run(self, *command: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


@pytest.mark.long
def test_a_new_collection_costs_four_files_and_keeps_the_contract(copy: Copy) -> None:
    blocks = BLOCK.findall((copy.folder / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(blocks) == 3
    for path, in_modules, text in blocks:
        file = copy.folder / path
        if in_modules:
            file.write_text(re.sub(r"(MODULES = \(\n.*?)\)", rf"\1{text})", file.read_text(), count=1, flags=re.DOTALL))
        else:
            file.write_text(text)
    copy.python("-m", "protime_etl.postgres.migrations.draft", "meal_vouchers")

    copy.git("add", "--all")
    changed = copy.git("diff", "--cached", "--name-only", "HEAD").split()
    assert sorted(changed) == [
        "protime_etl/collections/meal_vouchers.py",
        "protime_etl/collections/registry.py",
        f"protime_etl/postgres/migrations/versions/{next_version()}_meal_vouchers.py",
        "protime_etl/simulator/generation/meal_vouchers.py",
    ]
    assert copy.git("diff", "--cached", "--numstat", "HEAD", "protime_etl/collections/registry.py").split()[:2] == [
        "1",
        "0",
    ]
    copy.python("-m", "ruff", "check", "--quiet", "protime_etl")
    copy.python("-m", "ruff", "format", "--check", "--quiet", "protime_etl")
    quiet = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    contract = copy.python(*quiet, "--long", "tests/collections", "-k", "meal-vouchers")
    assert re.search(r"\b\d+ passed", contract), contract
    assert "failed" not in contract
    # The schema follows: what the migration makes is what the code says.
    copy.python(*quiet, "tests/postgres/test_schema.py", "-k", "model or comment")


def next_version() -> str:
    files = (ROOT / "protime_etl/postgres/migrations/versions").glob("[0-9]*.py")
    return f"{max(int(path.name[:4]) for path in files) + 1:04}"
