"""What this machine refuses, as an error of ours: a file or a folder, room, memory, open files, threads."""

from __future__ import annotations

import errno

from protime_etl.errors import ProtimeError

__all__ = ["NO_FILES", "machine_fault"]

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_FILES = {errno.EMFILE, errno.ENFILE}
NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}
NO_OUTPUT = {*NO_ROOM, errno.EIO, errno.EBADF}
COMMITTED = "What was committed is complete; run the same command again."


def machine_fault(error: BaseException) -> ProtimeError | None:
    """What to say of it; None if it is no fault of the machine."""
    if isinstance(error, MemoryError):
        return ProtimeError("There is no memory left on this machine.", guidance=f"Use fewer --workers. {COMMITTED}")
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return ProtimeError(
            "This machine allows no more threads.",
            guidance=f"Allow more processes (ulimit -u) or memory, or use fewer --workers. {COMMITTED}",
        )
    return _of_a_file(error, error.strerror or type(error).__name__) if isinstance(error, OSError) else None


def _of_a_file(error: OSError, why: str) -> ProtimeError | None:
    if error.errno in NO_FILES:
        return ProtimeError(
            f"This machine allows this process no more open files ({why}).",
            guidance=f"Allow more (ulimit -n 1024), or use fewer --workers. {COMMITTED}",
        )
    guidance = "See what is wrong there."
    if error.errno in NO_ROOM:
        guidance = "Free space there, or write it elsewhere."
    elif error.errno in NO_ACCESS:
        guidance = "Let this user read and write there, or name another folder (PROTIME_HOME, TMPDIR)."
    if error.filename is not None:
        return ProtimeError(f"{error.filename} cannot be used ({why}).", guidance=guidance)
    if error.errno == errno.ENOENT:  # as `os.getcwd` says it
        return ProtimeError("The working directory was removed.", guidance="Go to another folder.")
    if error.errno in NO_OUTPUT:  # networks have errors of their own by then
        return ProtimeError(f"The output cannot be written ({why}).", guidance=f"{guidance} {COMMITTED}")
    return None
