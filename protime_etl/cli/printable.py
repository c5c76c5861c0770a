"""Text of others made safe to look at: a name or a message must not move the cursor, retitle a window or hide a row."""

from __future__ import annotations

import re

__all__ = ["one_line", "printable", "tab_separated"]

# C0 and C1 controls, the separators of lines that are no "\n", and the marks that reverse the direction of text.
UNSEEN = "\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"
CONTROL = re.compile(f"[{UNSEEN}]")
CONTROL_BUT_LINES = re.compile(f"(?!\n)[{UNSEEN}]")
COPIED = re.compile(rf"[\\{UNSEEN}]")
NAMED = {"\\": r"\\", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}


def printable(text: str) -> str:
    """The text with each control character but the end of a line as the escape that stands for it."""
    return CONTROL_BUT_LINES.sub(_escaped, text)


def one_line(text: str) -> str:
    """The same with its line ends, too."""
    return CONTROL.sub(_escaped, text)


def tab_separated(text: str | None) -> str:
    r"""A value as COPY writes it: `\N` is null, and neither a tab nor a line end in it is one of the file."""
    if text is None:
        return r"\N"
    return COPIED.sub(
        lambda found: NAMED.get(found[0]) or "".join(f"\\x{byte:02x}" for byte in found[0].encode()), text
    )


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    return NAMED.get(found[0]) or (f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}")
