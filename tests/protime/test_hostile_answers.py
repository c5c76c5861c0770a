"""Answers that mean harm to their reader: a clear error, in bounded memory and time."""

from __future__ import annotations

import gzip
import itertools
import json
import socketserver
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests import Response
from sqlalchemy.engine import URL

from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.errors import (
    ApiError,
    ProtimeError,
    UnreachableError,
)
from protime_etl.protime import deadlines
from protime_etl.protime.transport import new_session, retry_after_seconds, send
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.lists import read_people
from tests.protime.hostile import GOOD, MIB
from tests.support.long_form import in_long_form
from tests.support.scripted_server import Answer, ScriptedServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def raw_server(pieces: Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """A server of bytes: whatever it is asked, it sends `pieces` until the other end has had enough."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with suppress(OSError):
                for piece in pieces():
                    self.request.sendall(piece)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()


def fetch(url: str) -> bytes:
    session = new_session()
    try:
        return send(session, "GET", url, headers={})[1]
    finally:
        session.close()


def gzip_bomb(layers: int = 1) -> bytes:
    """16 GiB of blanks in 16 MiB; with another layer in a few KiB."""
    data = gzip.compress(b" " * (64 * MIB)) * 256
    return data if layers == 1 else gzip.compress(data)


def deflate_bomb() -> bytes:
    zipper = zlib.compressobj(9)
    blanks = b" " * MIB
    return b"".join(zipper.compress(blanks) for _ in range(600)) + zipper.flush()


PEAK = """
import re, sys
from pathlib import Path
from protime_etl.errors import ProtimeError
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.protime.decoding import decode_page
from protime_etl.protime.transport import new_session, send
try:
    body = send(new_session(), "GET", sys.argv[1], headers={})[1]
    page = decode_page(CLOCKINGS, body)
    print(f"{len(page.rows)} rows, {len(page.rejected)} rejected")
except ProtimeError as error:
    print(type(error).__name__, error)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def peak_memory(url: str) -> tuple[str, int]:
    """What came of an answer, and the peak memory in MiB of the process that read it."""
    result = subprocess.run([sys.executable, "-c", PEAK, url], capture_output=True, text=True, timeout=60, check=True)
    printed, peak = result.stdout.splitlines()
    return printed, int(peak)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip_bomb),
        ("br", lambda: b"x" * MIB),
        *in_long_form([("gzip, gzip", lambda: gzip_bomb(2)), ("deflate", deflate_bomb)]),
    ],
    ids=["gzip", "brotli", "nested gzip", "deflate"],
)
def test_a_bomb_goes_off_in_little_memory(coding: str, body: Callable[[], bytes]) -> None:
    with ScriptedServer([Answer(200, body(), {"Content-Encoding": coding})]) as server:
        printed, peak = peak_memory(server.url)
    assert printed.startswith(("ProtocolError", "AnswerTooLargeError"))
    assert "larger than 64 MiB" in printed or "has an encoding that was not requested" in printed
    assert peak < 250


def endless_chunks() -> Iterator[bytes]:
    yield CHUNKED
    while True:
        yield b"100000\r\n" + b" " * MIB + b"\r\n"


def ten_gigabytes() -> Iterator[bytes]:
    yield HEAD + b"Content-Length: 10000000000\r\n\r\n"
    while True:
        yield b" " * MIB


def redirect_without_end() -> Iterator[bytes]:
    yield b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n"
    while True:
        yield b" " * MIB


def headers_without_end() -> Iterator[bytes]:
    yield HEAD
    for number in itertools.count():
        yield b"X-%d: %s\r\n" % (number, b"x" * 60_000)


def header_line_without_end() -> Iterator[bytes]:
    yield HEAD + b"X-Long: "
    while True:
        yield b"x" * MIB


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        (endless_chunks, "AnswerTooLargeError"),
        (ten_gigabytes, "AnswerTooLargeError"),
        (redirect_without_end, "RedirectError"),
        (headers_without_end, "UnreachableError"),
        (header_line_without_end, "UnreachableError"),
    ],
)
def test_an_answer_without_end_takes_little_memory(pieces: Callable[[], Iterator[bytes]], error: str) -> None:
    with raw_server(pieces) as url:
        printed, peak = peak_memory(url)
    assert printed.startswith(error)
    assert peak < 250


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"0", "ProtocolError More than 100000 records"),
        (json.dumps(GOOD).encode(), "380000 rows, 0 rejected"),
        *in_long_form(
            [
                (b"{}", "ProtocolError More than 100000 records"),
                (b'{"x":"' + b"x" * 12 * MIB + '\N{GRINNING FACE}"}'.encode(), "0 rows, 4 rejected"),
                (b'{"id":1,"x":[' + b"[]," * 1_000_000 + b"0]}", "0 rows, 1 rejected"),
                (b'{"id":1,"activityLevels":[' + b'{"x":1},' * 190_000 + b"0]}", "0 rows, 9 rejected"),
                (b'"",', "ProtocolError"),
            ]
        ),
    ],
    ids=["zeros", "whole records", "objects", "long strings", "lists", "levels", "nonsense"],
)
def test_a_page_of_many_parts_takes_bounded_memory(record: bytes, message: str) -> None:
    number = min(60 * MIB // len(record), 1_900_000 // max(1, record.count(b",") + 1))
    body = b'{"value":[' + b",".join([record] * number) + b"]}"
    with ScriptedServer([Answer(200, body)]) as server:
        found, peak = peak_memory(server.url)
    assert found.startswith(message)
    assert peak < 450


def drip(start: bytes, piece: bytes) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield start
        while True:
            time.sleep(0.05)
            yield piece

    return pieces


def nothing_but_member_heads() -> Iterator[bytes]:
    yield HEAD + b"Content-Encoding: gzip\r\n\r\n"
    while True:
        yield gzip.compress(b"") * 100


def continue_without_end() -> Iterator[bytes]:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 100


@pytest.mark.parametrize(
    "pieces",
    [
        drip(b"", b"H"),
        drip(HEAD + b"X-Slow: ", b"x"),
        drip(HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
        drip(CHUNKED, b"1\r\n \r\n"),
        drip(CHUNKED, b"0"),
        drip(CHUNKED + b"0\r\n", b"X-Trailer: 1\r\n"),
        nothing_but_member_heads,
        continue_without_end,
    ],
    ids=["status", "header", "body", "chunks", "size of a chunk", "trailer", "empty gzip members", "100 Continue"],
)
def test_an_answer_that_drips_ends_when_its_time_is_over(
    pieces: Callable[[], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "MAX_ANSWER_SECONDS", 0.4)
    began = time.monotonic()
    with raw_server(pieces) as url, pytest.raises(UnreachableError, match="did not answer in time"):
        fetch(url)
    assert 0.3 < time.monotonic() - began < 3


def test_the_time_of_an_answer_starts_again_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "MAX_ANSWER_SECONDS", 1.5)
    with ScriptedServer([Answer(200, b"{}")]) as server:
        session = new_session()
        for _ in range(4):
            assert send(session, "GET", server.url, headers={})[1] == b"{}"
            time.sleep(0.6)
        session.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n",
        b"\0" * 1000,
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 999999 No\r\n\r\n",
        b"HTTP/1.1 -1 No\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 70_000 + b"\r\n{}",
        HEAD + b"Content-Encoding: gzip\r\n\r\nnot gzip",
        HEAD + b"Content-Encoding: " + b"gzip," * 1000 + b"\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 307 Found\r\nLocation: \xff\xfe\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_http_is_a_clear_error(answer: bytes) -> None:
    with raw_server(lambda: iter([answer])) as url, pytest.raises(ProtimeError) as caught:
        fetch(url)
    assert "127.0.0.1" in str(caught.value)


NUMBERS = itertools.count()


@settings(deadline=None)
@given(
    header=st.text(st.characters(max_codepoint=255)) | st.from_regex(r"\w{3}, \d+ (Jan|Dec) \d+ \d+:\d+:\d+ [-+G]\w*")
)
def test_any_retry_after_can_be_read(header: str) -> None:
    response = Response()
    response.headers["Retry-After"] = header
    assert (retry_after_seconds(response) or 0) >= 0


def test_a_retry_after_out_of_range_can_be_shared(warehouse: URL) -> None:
    for header in ("99999999", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 5000, "-1", "1e9", "NaN"):
        with (
            ScriptedServer([Answer(503, b"", {"Retry-After": header}), Answer(200, {"value": []})]) as server,
            open_pipeline(
                server.settings(max_wait_in_task=0, tenant=f"t{next(NUMBERS)}", scopes=CLOCKINGS_SCOPE), warehouse
            ) as pipeline,
            suppress(ApiError),
        ):
            read_people(pipeline)
