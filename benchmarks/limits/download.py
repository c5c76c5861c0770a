"""GET the targets listed in a file, one a line, and do nothing with the answers: `download URL FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

__all__ = ["main"]


def main(url: str, file: str) -> None:
    """Download on one connection, with the library below `requests`."""
    place = urlsplit(url)
    headers = {"Authorization": "Bearer bench.download", "User-Agent": "download/1 (bench)"}
    with urllib3.HTTPConnectionPool(str(place.hostname), place.port, maxsize=1, headers=headers) as pool:
        for target in Path(file).read_text().splitlines():
            answer = pool.request("GET", target)
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}")


if __name__ == "__main__":
    main(*sys.argv[1:])
