"""Text of others made safe to look at: a name or a message must not move the cursor, retitle a window or hide a row."""

from __future__ import annotations

__all__ = ["one_line", "printable", "tab_separated"]

# C0 and C1 controls, the separators of lines that are no "\n", and the marks that reverse the direction of text.
UNSEEN = (*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in UNSEEN}
ESCAPES_BUT_LINES = {code: escape for code, escape in ESCAPES.items() if code != ord("\n")}
# COPY knows no code points: what is not ASCII is escaped byte by byte.
COPIED = {code: "".join(f"\\x{byte:02x}" for byte in chr(code).encode()) for code in UNSEEN}
COPIED |= {ord("\\"): r"\\", ord("\n"): r"\n", ord("\r"): r"\r", ord("\t"): r"\t"}


def printable(text: str) -> str:
    """The text with each control character but the end of a line as the escape that stands for it."""
    return text.translate(ESCAPES_BUT_LINES)


def one_line(text: str) -> str:
    """The same with its line ends, too."""
    return text.translate(ESCAPES)


def tab_separated(text: str | None) -> str:
    r"""A value as COPY writes it: `\N` is null, and neither a tab nor a line end in it is one of the file."""
    return r"\N" if text is None else text.translate(COPIED)
