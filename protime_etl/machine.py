"""What this machine refuses, as an error of ours: a file or a folder, room, memory, open files, threads."""

from __future__ import annotations

import errno

from protime_etl.errors import ProtimeError

__all__ = ["NO_FILES", "machine_fault"]

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_FILES = {errno.EMFILE, errno.ENFILE}
NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}
COMMITTED = "What was committed before is whole; run the same command again."


def machine_fault(error: BaseException) -> ProtimeError | None:
    """What to say of it; None if it is no fault of the machine.

    An `OSError` without a file is taken for one of the output: what networks refuse has other errors by then.
    """
    if isinstance(error, MemoryError):
        return ProtimeError("There is no memory left on this machine.", guidance=f"Use fewer --workers. {COMMITTED}")
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return ProtimeError(
            "This machine lets no more threads begin.",
            guidance=f"Allow more processes (ulimit -u) or memory, or use fewer --workers. {COMMITTED}",
        )
    if not isinstance(error, OSError):
        return None
    why = error.strerror or type(error).__name__
    if error.errno in NO_FILES:
        return ProtimeError(
            f"This machine lets this process open no more files ({why}).",
            guidance=f"Allow more (ulimit -n 1024), or use fewer --workers. {COMMITTED}",
        )
    guidance = "Write it elsewhere, or see what is wrong there."
    if error.errno in NO_ROOM:
        guidance = "Make room there, or write it elsewhere."
    elif error.errno in NO_ACCESS:
        guidance = "Let this user read and write there, or name another folder (PROTIME_HOME, TMPDIR)."
    if error.filename is None:
        return ProtimeError(f"The output cannot be written ({why}).", guidance=f"{guidance} {COMMITTED}")
    return ProtimeError(f"{error.filename} cannot be used ({why}).", guidance=guidance)
