"""The file `.env`, in whichever encoding an editor or a shell wrote it."""

from __future__ import annotations

import codecs
import io
import os
from pathlib import Path

from dotenv import dotenv_values

from protime_etl.errors import SettingsError
from protime_etl.private import require_own

__all__ = ["read_env_file"]

# The mark of UTF-32 begins like that of UTF-16.
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def read_env_file(path: Path) -> dict[str, str]:
    """The variables that the file sets; none if it is not there, in a folder that may not be entered, or sets nothing.

    Raises:
        SettingsError: it cannot be read, another user can have written it, or its encoding would have to be guessed.
    """
    try:
        with path.open("rb") as file:
            require_own(path, os.fstat(file.fileno()))
            content = file.read()
    except (FileNotFoundError, IsADirectoryError):  # a virtual environment may be called so
        return {}
    except OSError as error:
        if not os.access(path.parent, os.X_OK):  # whether it is there cannot be known
            return {}
        raise SettingsError(
            f"The file {path} cannot be read ({error.strerror}).",
            guidance="Let this user read it, or work in another folder and set PROTIME_* in the environment.",
        ) from None
    mark = next((one for one in MARKS if content.startswith(one)), b"")
    coding = MARKS.get(mark, "utf-8")
    try:
        text = content.removeprefix(mark).decode(coding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, f"line {line} is not {coding.upper()}") from None
    if "\0" in text:
        raise _unreadable(path, "it has NUL characters, as UTF-16 without a mark has")
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def _unreadable(path: Path, why: str) -> SettingsError:
    guidance = "Save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8)."
    return SettingsError(f"The encoding of the file {path} is not known: {why}.", guidance=guidance)
