"""The options that make a shell complete commands; run as that shell's user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.every_option.house import House, OptionRow

__all__ = ["ROWS"]


def _asked(house: House, option: str) -> tuple[str, set[str]]:
    """What is printed, and the files that are in a new home folder then."""
    home = house.folder / "home"
    home.mkdir()
    command = Path(sys.executable).with_name("protime-etl")
    environment = {**os.environ, "HOME": str(home)}
    # From a shell, as its name is looked for among the parents; one that stays, and is not replaced by the command.
    asked = ["bash", "-c", f'"$0" {option} bash; exit $?', str(command)]
    printed = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
    return printed.stdout, {path.name for path in home.rglob("*") if path.is_file()}


def install(house: House) -> None:
    printed, files = _asked(house, "--install-completion")
    assert "completion installed" in printed
    assert {"protime-etl.sh", ".bashrc"} <= files


def show(house: House) -> None:
    printed, files = _asked(house, "--show-completion")
    assert "complete -o default -F _protime_etl_completion protime-etl" in printed
    assert files == set()


ROWS: dict[str, OptionRow] = {"--install-completion": install, "--show-completion": show}
