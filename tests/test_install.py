"""The wheel in environments that have nothing of this repository, installed in each way that README shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from protime_etl.simulator.server import SimulatedTenant
from tests.cli.shell import crowd
from tests.support.tenant import TODAY
from tests.test_wheel import CHECKOUT

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
READ: dict[str, Any] = {"capture_output": True, "text": True}
DEMO_SECONDS = 30.0
INSTALL_SECONDS = 90.0


def installed_pythons() -> list[str]:
    """The oldest Python that is supported, and the newest that is here."""
    found = {}
    folders = sorted((Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions").glob("3.*/bin"))
    for name in (f"python3.{minor}" for minor in range(11, 20)):
        for path in filter(None, (shutil.which(name), *(shutil.which(name, path=str(one)) for one in folders))):
            asked = subprocess.run([path, "-c", "import sys; print(sys.executable)"], check=False, **READ)
            if asked.returncode == 0:  # a shim of a version that is not chosen is there and does not run
                found[int(name.removeprefix("python3."))] = asked.stdout.strip()
    return list(dict.fromkeys([found[min(found)], found[max(found)]]))


class Installer:
    """Tools that install, in an environment of their own; all that they make lies in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        run(sys.executable, "-m", "venv", folder / "tools", cwd=folder)
        run(folder / "tools" / "bin" / "python", "-m", "pip", "install", "--quiet", "uv", "pipx", cwd=folder)
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CHECKOUT, cwd=folder)
        (self.wheel,) = folder.glob("*.whl")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "PATH": f"{folder / 'tools' / 'bin'}:{os.environ['PATH']}",
            "UV_PYTHON_DOWNLOADS": "never",
            # As root, the embedded PostgreSQL runs as another user, who has to get to its programs.
            **{f"UV_{name}_DIR": str(folder / name) for name in ("CACHE", "TOOL", "TOOL_BIN")},
        }


def run(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installer() -> Iterator[Installer]:
    with tempfile.TemporaryDirectory(prefix="protime-etl-test-") as folder:  # pytest's own is private
        Path(folder).chmod(0o711)
        yield Installer(Path(folder))


def by_uvx(python: str, wheel: str) -> tuple[list[str], str]:
    return [], f"uvx --python {python} --from '{wheel}[local]' protime-etl"


def by_pipx(python: str, wheel: str) -> tuple[list[str], str]:
    return [f"pipx install --python {python} '{wheel}[local]'"], '"$PIPX_BIN_DIR/protime-etl"'


def by_uv_tool(python: str, wheel: str) -> tuple[list[str], str]:
    return [
        f"uv tool install --force --python {python} '{wheel}[airflow,local]' -c '{CHECKOUT / 'constraints.txt'}'"
    ], '"$UV_TOOL_BIN_DIR/protime-etl"'


@pytest.mark.parametrize("way", [by_uvx, by_pipx, by_uv_tool])
@pytest.mark.parametrize("python", installed_pythons())
def test_the_wheel_alone_gives_a_demo_and_reads_a_tenant(
    installer: Installer,
    way: Callable[[str, str], tuple[list[str], str]],
    python: str,
    tmp_path: Path,
    simulated: SimulatedTenant,
) -> None:
    before, command = way(python, str(installer.wheel))

    # pipx keeps the Python of what it has installed before.
    pipx = {f"PIPX_{name}": str(tmp_path / "pipx" / name) for name in ("HOME", "BIN_DIR", "MAN_DIR")}

    def typed(line: str, **settings: str) -> str:
        return run("/bin/sh", "-c", line, cwd=tmp_path, environment={**installer.environment, **pipx, **settings})

    began = time.monotonic()
    for line in before:
        typed(line)
    versions = typed(f"{command} --version")
    installing = time.monotonic() - began
    minor = re.search(r"3\.(\d+)", Path(python).name)
    assert f"Python 3.{minor[1] if minor else sys.version_info.minor}." in versions
    assert ("Airflow not installed" in versions) == (way is not by_uv_tool)

    began = time.monotonic()
    shown = typed(f"{command} demo")
    taken = time.monotonic() - began
    print(f"{way.__name__} {Path(python).name}: installed in {installing:.0f} s, demo in {taken:.0f} s")  # noqa: T201
    assert re.search(r"^simulated\t\d{4}-\d\d-\d\d\tE100001\t", shown, re.MULTILINE)
    assert taken < DEMO_SECONDS * crowd()
    following = [re.split(r"\s{2,}", line.strip())[0] for line in shown.partition("Next:\n")[2].splitlines()]
    assert "simulated: OK" in typed("\n".join(one for one in following if not re.search(r"\binit$|^rm ", one)))
    assert way is by_uv_tool or installing < INSTALL_SECONDS * crowd()

    settings = {
        "PROTIME_TENANT": "simulated",
        "PROTIME_CLIENT_ID": simulated.client_id,
        "PROTIME_CLIENT_SECRET": simulated.client_secret,
        "PROTIME_API_URL": simulated.url,
        "PROTIME_AUTH_URL": simulated.url,
    }
    assert "Written: .env" in typed(f"{command} init --yes", **settings)
    assert "20 of them people" in typed(f"{command} sync --from {TODAY} --to {TODAY}")
    assert "clockings" in typed(f"{command} status || test $? = 3")  # the tenant's last days are long ago


def test_without_the_extra_one_line_says_how_to_install_it(installer: Installer, tmp_path: Path) -> None:
    done = subprocess.run(
        ["uvx", "--from", str(installer.wheel), "protime-etl", "demo"],
        cwd=tmp_path,
        env=installer.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: The simulated tenant is not installed. Install it with its")
    assert list(tmp_path.iterdir()) == []
