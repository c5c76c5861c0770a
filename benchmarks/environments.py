"""The peers, each in a virtual environment of its own below .bench/environments."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable

from benchmarks.contenders import BENCH, PEER_SCRIPTS, Contender

__all__ = ["install_peers", "pinned"]

INSTALL_SECONDS = 1200


def install_peers(contenders: Iterable[Contender], log: Callable[[str], object]) -> None:
    """Install what is missing, or was installed from another list than today's.

    Raises:
        subprocess.CalledProcessError: pip failed; it has said why.
    """
    for name in sorted({one.requirements for one in contenders} - {""}):
        folder = BENCH / "environments" / name
        wanted = (PEER_SCRIPTS / f"{name}.txt").read_text()
        stamp = folder / "installed.txt"
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        log(f"installing {name} (the first time, a minute or two)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(PEER_SCRIPTS / f"{name}.txt")], check=True, timeout=INSTALL_SECONDS)
        stamp.write_text(wanted)


def pinned() -> list[str]:
    """The versions of the peers, as their lists name them."""
    lines = (line.strip() for file in sorted(PEER_SCRIPTS.glob("*.txt")) for line in file.read_text().splitlines())
    return [line for line in lines if "==" in line and not line.startswith("#")]
