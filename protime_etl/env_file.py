"""The file `.env`: read in whichever encoding an editor or a shell wrote it, and written for one user alone."""

from __future__ import annotations

import codecs
import io
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dotenv import dotenv_values

from protime_etl.errors import SettingsError
from protime_etl.private import require_own

__all__ = ["read_env_file", "write_env_file"]

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
        raise _unreadable(path, "it has NUL characters, as UTF-16 without a byte order mark has")
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Write these variables, and nothing else, into a file that only this user can read: whole, or not at all.

    Raises:
        SettingsError: a value would be read back as another one; or the folder cannot be written to.
    """
    text = "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())
    read = dotenv_values(stream=io.StringIO(text))
    if wrong := [name for name, value in values.items() if read.get(name) != value]:
        raise SettingsError(
            f"{path} cannot hold the value of {', '.join(wrong)}: ${{...}} in it would be replaced.",
            guidance="Set it in the environment instead.",
        )
    try:
        descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written in {path.parent.resolve()} ({error.strerror}).",
            guidance="Go to a folder in which this user may write.",
        ) from None


def _quoted(value: str) -> str:
    if re.fullmatch(r"[\w./:@%+,=-]*", value, re.ASCII):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _unreadable(path: Path, why: str) -> SettingsError:
    guidance = "Save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8)."
    return SettingsError(f"The encoding of the file {path} is not known: {why}.", guidance=guidance)
