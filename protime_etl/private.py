"""Files and folders that decide where secrets go, or hold some: no other user of this machine may write them."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path
from typing import IO

from protime_etl.errors import SettingsError

__all__ = ["closing", "make_private_folder", "open_private", "refuse_link", "require_own"]

ROOT = 0
LINKED = getattr(os, "O_NOFOLLOW", 0)


def require_own(path: Path, found: os.stat_result) -> None:
    """Make sure that only this user, or root, can have written it. Not tried on Windows.

    Raises:
        SettingsError: it belongs to another user, or others may write it.
    """
    if not hasattr(os, "geteuid"):
        return
    if found.st_uid not in (os.geteuid(), ROOT):
        why = f"belongs to another user (uid {found.st_uid}; this one is {os.geteuid()})"
    elif stat.S_ISLNK(found.st_mode):  # it has no rights of its own
        return
    # The user's own group, which many systems make for each user, has no other members.
    elif found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid()):
        why = "can be written by other users"
    else:
        return
    raise SettingsError(
        f"{path} {why}: it could send your client secret elsewhere.",
        guidance="Work in a folder of your own; or, if you trust what is in it, make it yours: chown, chmod go-w.",
    )


def refuse_link(path: Path) -> None:
    """Make sure that no link leads from a place of protime-etl's own to another user's.

    Raises:
        SettingsError: it is one.
    """
    if path.is_symlink():
        raise SettingsError(f"{path} is a link.", guidance="Remove it, or set PROTIME_HOME to another folder.")


def make_private_folder(folder: Path) -> None:
    """Make the folder, for this user alone; one that is there has to be this user's own, and may be open to read.

    Root's can be entered by others: its embedded PostgreSQL runs as another user, in a folder of its own below.

    Raises:
        SettingsError: it is another user's, or a link that is.
        OSError: it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o711 if hasattr(os, "geteuid") and os.geteuid() == ROOT else 0o700, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    require_own(folder, folder.lstat())
    require_own(folder, folder.stat())


def open_private(file: Path, mode: str) -> IO[str]:
    """Open a file for this user alone, and make it; `mode` as for `open`.

    Raises:
        SettingsError: it is a link, or another user's.
        OSError: it cannot be opened.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | LINKED, 0o600)

    refuse_link(file)
    opened = open(file, mode, encoding="utf-8", opener=opener)  # noqa: SIM115 - `Path.open` takes no opener
    try:
        require_own(file, os.fstat(opened.fileno()))
    except BaseException:
        opened.close()
        raise
    return opened


def closing(path: Path) -> str:
    """The command that closes the file or folder to other users of this machine; empty if they cannot read it."""
    try:
        found = path.stat()
    except OSError:
        return ""
    if not hasattr(os, "geteuid") or not found.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return ""
    mode = "600" if not stat.S_ISDIR(found.st_mode) else "711" if found.st_uid == ROOT else "700"
    return f"chmod {mode} {shlex.quote(str(path))}"
