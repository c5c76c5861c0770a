"""A tenant that means harm: every answer ends in a clear error or a rejected record, in bounded memory and time."""

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
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import Response
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.collections.collection import API_PATH
from protime_etl.collections.people import PEOPLE
from protime_etl.collections.record import nested_records
from protime_etl.config import CLOCKINGS_SCOPE
from protime_etl.errors import (
    ApiError,
    AuthenticationError,
    ProtimeError,
    ProtocolError,
    UnreachableError,
    UntrustedLinkError,
)
from protime_etl.protime import deadlines, decoding
from protime_etl.protime.auth import MemoryTokenStore, TokenSource, request_token
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.decoding import decode_page
from protime_etl.protime.transport import error_details, new_session, retry_after_seconds, send
from protime_etl.sync.lists import read_people
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.runs import sync
from tests.scripted_server import Answer, ScriptedServer, token_answer
from tests.tenant import TODAY

PATH = f"{API_PATH}/clockings"
GOOD: dict[str, Any] = {
    "id": 1,
    "person": {"id": 7},
    "date": "2026-03-20",
    "timeOfDayInMinutes": 480,
    "kind": "InOut",
}
MIB = 1024 * 1024
DEEP = 20_000
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
    told, peak = result.stdout.splitlines()
    return told, int(peak)


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", gzip_bomb), ("gzip, gzip", lambda: gzip_bomb(2)), ("deflate", deflate_bomb), ("br", lambda: b"x" * MIB)],
    ids=["gzip", "nested gzip", "deflate", "brotli"],
)
def test_a_bomb_goes_off_in_little_memory(coding: str, body: Callable[[], bytes]) -> None:
    with ScriptedServer([Answer(200, body(), {"Content-Encoding": coding})]) as server:
        told, peak = peak_memory(server.url)
    assert told.startswith(("ProtocolError", "AnswerTooLargeError"))
    assert "larger than 64 MiB" in told or "encoded in a way that was not asked for" in told
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
        (redirect_without_end, "UntrustedLinkError"),
        (headers_without_end, "UnreachableError"),
        (header_line_without_end, "UnreachableError"),
    ],
)
def test_an_answer_without_end_takes_little_memory(pieces: Callable[[], Iterator[bytes]], error: str) -> None:
    with raw_server(pieces) as url:
        told, peak = peak_memory(url)
    assert told.startswith(error)
    assert peak < 250


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (b"0", "ProtocolError More than 100000 records"),
        (b"{}", "ProtocolError More than 100000 records"),
        (b'{"x":"' + b"x" * 12 * MIB + '\N{GRINNING FACE}"}'.encode(), "0 rows, 4 rejected"),
        (b'{"id":1,"x":[' + b"[]," * 1_000_000 + b"0]}", "0 rows, 1 rejected"),
        (b'{"id":1,"activityLevels":[' + b'{"x":1},' * 190_000 + b"0]}", "0 rows, 9 rejected"),
        (json.dumps(GOOD).encode(), "380000 rows, 0 rejected"),
        (b'"",', "ProtocolError"),
    ],
    ids=["zeros", "objects", "long strings", "lists", "levels", "whole records", "nonsense"],
)
def test_a_page_of_many_parts_takes_bounded_memory(record: bytes, told: str) -> None:
    number = min(60 * MIB // len(record), 1_900_000 // max(1, record.count(b",") + 1))
    body = b'{"value":[' + b",".join([record] * number) + b"]}"
    with ScriptedServer([Answer(200, body)]) as server:
        found, peak = peak_memory(server.url)
    assert found.startswith(told)
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


def test_the_time_of_an_answer_begins_anew_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "MAX_ANSWER_SECONDS", 0.4)
    with ScriptedServer([Answer(200, b"{}")]) as server:
        session = new_session()
        for _ in range(4):
            assert send(session, "GET", server.url, headers={})[1] == b"{}"
            time.sleep(0.15)
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


def test_no_cookie_is_kept() -> None:
    cookies = [
        Answer(200, {"value": [], "nextLink": f"{PATH}?x=1"}, {"Set-Cookie": "session=1"}),
        Answer(200, {"value": []}),
    ]
    with ScriptedServer(cookies) as server, client_of(server) as client:
        assert len(list(client.pages(CLOCKINGS))) == 2
        assert "Cookie" not in server.api_requests[1].headers
        assert server.api_requests[0].headers["Accept-Encoding"] == "gzip"


@contextmanager
def client_of(server: ScriptedServer) -> Iterator[ProtimeClient]:
    session = new_session()
    tokens = TokenSource(server.settings(), MemoryTokenStore(), fetch=lambda asked: request_token(asked, session))
    client = ProtimeClient(server.settings(), tokens)
    yield client
    client.close()
    session.close()


def foreign_links(own: str, other: str) -> list[str]:
    """Links of all sorts that somebody may take for one of `own`, and that lead to `other` or to another path."""
    host = other.removeprefix("http://")
    port = host.rpartition(":")[2]
    own_host = own.removeprefix("http://")
    return [
        f"{other}{PATH}?x=1",
        f"//{host}{PATH}?x=1",
        f"///{host}{PATH}?x=1",
        f"////{host}{PATH}?x=1",
        f"/\\{host}{PATH}?x=1",
        f"\\\\{host}{PATH}?x=1",
        f"http:\\\\{host}{PATH}?x=1",
        f"http:/{host}{PATH}?x=1",
        f"http:{host}{PATH}?x=1",
        f"http://{own_host}@{host}{PATH}?x=1",
        f"http://{own_host}\\@{host}{PATH}?x=1",
        f"http://{host}\\@{own_host}{PATH}?x=1",
        f"http://{host}#@{own_host}{PATH}?x=1",
        f"http://{host}?@{own_host}{PATH}",
        f"http://user:password@{own_host}{PATH}?x=1",
        f"http://127.0.0.1:{port}{PATH}?x=1",
        f"http://localhost:{port}{PATH}?x=1",
        f"http://127.1:{port}{PATH}?x=1",
        f"http://2130706433:{port}{PATH}?x=1",
        f"http://\N{FULLWIDTH DIGIT ONE}27.0.0.1:{port}{PATH}?x=1",
        f"http://127\N{IDEOGRAPHIC FULL STOP}0.0.1:{port}{PATH}?x=1",
        f"http://127.0.0.1:\N{FULLWIDTH DIGIT ONE}{port}{PATH}?x=1",
        f"http://acme\N{CYRILLIC SMALL LETTER IE}.example{PATH}",
        f"HTTP://{host}{PATH}?x=1",
        f" http://{host}{PATH}?x=1",
        f"\thttp://{host}{PATH}?x=1",
        f"ht\ntp://{host}{PATH}?x=1",
        f"file://{own_host}{PATH}?x=1",
        f"ftp://{own_host}{PATH}?x=1",
        f"{PATH}/../../x",
        f"{PATH}/../clockings?x=1",
        f"{PATH}/%2e%2e/people?x=1",
        f"{PATH}%2f..%2fpeople?x=1",
        f"{PATH}/?x=1",
        f"{PATH};x=1?x=1",
        f"/.{PATH}?x=1",
        f"/%2f{host}{PATH}?x=1",
        f"{API_PATH}/%63lockings?x=1",
        f"{API_PATH}//clockings?x=1",
        f"{PATH}\0?x=1",
        f"{PATH}?x=1\N{RIGHT-TO-LEFT OVERRIDE}",
        f"{PATH}?x=1 HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "?x=1",
        "#",
    ]


def test_nothing_is_sent_where_a_foreign_link_leads() -> None:
    with ScriptedServer([Answer(200, {"value": [GOOD]})]) as other, ScriptedServer([]) as server:
        links = foreign_links(server.url, other.url)
        for number, link in enumerate(links, 1):
            server.answers.append(Answer(200, {"value": [GOOD], "nextLink": link}))
            with client_of(server) as client, pytest.raises(UntrustedLinkError, match="not followed"):
                list(client.pages(CLOCKINGS))
            assert len(server.api_requests) == number, link
        assert other.received == []


@pytest.mark.parametrize("link", [5, [], {}, True, "x" * MIB, PATH + "?" + "x" * 5000])
def test_a_link_that_is_no_link_is_a_clear_error(link: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 1)
    with (
        ScriptedServer([Answer(200, {"value": [GOOD], "nextLink": link})]) as server,
        client_of(server) as client,
        pytest.raises(ProtimeError),
    ):
        list(client.pages(CLOCKINGS))
    assert len(server.api_requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_is_sent_where_a_redirect_leads(status: int) -> None:
    with ScriptedServer([Answer(200, {"value": []})]) as other:
        for path in (PATH, "/tenants/acme/connect/token"):
            moved = Answer(status, b"", {"Location": f"{other.url}{path}"})
            on_token = [moved] if path != PATH else []
            with (
                ScriptedServer([moved], on_token) as server,
                client_of(server) as client,
                pytest.raises(UntrustedLinkError, match="redirects are not followed"),
            ):
                list(client.pages(CLOCKINGS))
            assert len(server.received) == (1 if on_token else 2)
        assert other.received == []


@pytest.mark.parametrize(
    "answer",
    [
        *[
            token_answer(value)
            for value in ("", " ", "a b", "a\nb", "a\r\nX: 1", "a\0", "\u00e9", "a\x7f", "a\u2028", "t" * 2_000_000)
        ],
        *[token_answer("t", expires_in=lifetime) for lifetime in (-1, 0, -0.0, 10**400)],
        *[
            token_answer("t", expires_in=lifetime)
            for lifetime in ("NaN", "", "-1", "0", "1e3", " 1800 s", [1800], True)
        ],
        Answer(200, b'{"access_token":"t","token_type":"Bearer","expires_in":NaN}'),
        Answer(200, b'{"access_token":"t","token_type":"Bearer","expires_in":1e400}'),
        Answer(200, b'{"access_token":"\\ud800","token_type":"Bearer","expires_in":1800}'),
        Answer(200, b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}"),
        Answer(200, b'{"x":' + b"[" * 990 + b"]" * 990 + b"}"),
        Answer(200, b" " * (100 * MIB)),
        Answer(200, b"[]"),
        token_answer("t", scope=["connector-protimeapi-clockings.read"]),
        token_answer("t", scope=5),
        token_answer("t", scope=[5]),
        token_answer("t", scope=[]),
        token_answer("t", token_type=None),
        Answer(401, b'{"error":' + b"[" * DEEP),
        Answer(400, {"error": {"code": [[1]], "message": {"a": 10**30}, "reasons": [None, 5, {}]}}),
    ],
)
def test_a_hostile_token_answer_is_a_clear_error(answer: Answer) -> None:
    with ScriptedServer([], [answer]) as server:
        session = new_session()
        with pytest.raises((ProtocolError, AuthenticationError)) as caught:
            request_token(server.settings(), session)
        session.close()
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_a_token_of_any_lifetime_can_be_shared(warehouse: URL) -> None:
    for lifetime in (1e300, 10**18, 1e-300):
        answers = [token_answer("t", expires_in=lifetime)]
        with (
            ScriptedServer([Answer(200, {"value": []})], answers) as server,
            open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
        ):
            read_people(pipeline)
            assert pipeline.tokens.current().remaining <= 86_400


def test_a_secret_or_a_token_that_a_server_repeats_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protime_etl.protime.retrying.ATTEMPTS", 1)
    secret = 's3cr&t+/="x'
    for said in (secret, "grant_type=client_credentials&client_secret=s3cr%26t%2B%2F%3D%22x", f"{'x' * 295}{secret}"):
        answer = Answer(400, {"error": "invalid_request", "error_description": said})
        with ScriptedServer([], [answer]) as server:
            session = new_session()
            with pytest.raises(AuthenticationError, match="invalid_request") as refused:
                request_token(server.settings(client_secret=secret), session)
            session.close()
        assert "s3cr" not in str(refused.value)
    error = {"code": "no", "message": "Bearer to\x00ken-1 is bad", "reasons": ["fine", "see token-2"]}
    with ScriptedServer([Answer(401, {"error": error})]) as server, client_of(server) as client:
        with pytest.raises(ProtimeError, match="no; fine") as caught:
            list(client.pages(CLOCKINGS))
        assert "token-" not in str(caught.value)


STORED: dict[str, dict[str, Any]] = {
    "nothing special": {},
    "control characters": {"kind": "\x01\x1b[31m\x7f\u2028\u202e"},
    "an astral character": {"kind": "\N{GRINNING FACE}"},
    "500 characters": {"kind": "\N{GRINNING FACE}" * 500},
    "the first day": {"date": "0001-01-01"},
    "the last day": {"date": "9999-12-31"},
    "the ends of integers": {"timeOfDayInMinutes": -(2**31), "calculatedTimeOfDayInMinutes": 2**31 - 1},
    "the ends of big integers": {"person": {"id": 2**63 - 1}, "terminal": {"id": -(2**63)}},
    "degrees": {"geolocation": {"longitude": 1.7976931348623157e308, "latitude": 5e-324}},
    "nulls": {"terminal": None, "geolocation": {"longitude": None}, "status": None, "activityLevels": None},
    "no levels": {"activityLevels": []},
    "many levels": {"activityLevels": [{"level": 1, "activityDefinition": {"id": "a"}}] * 9_000},
    "a large unknown field": {"x": "y" * (5 * MIB)},
    "unknown integers": {"x": [2**63, -(2**64), 10**4000]},
    "unknown control characters": {"x\x01": "\x01\x1b\x7f\u2028", "x\n": {"\r": "\t"}},
    "unknown depth": {"x": json.loads("[" * 300 + "]" * 300)},
    "unknown nothing": {"": "", "null": None},
}
REJECTED: dict[str, dict[str, Any]] = {
    "NUL": {"kind": "a\0b"},
    "NUL in an unknown field": {"x": {"y": ["a\0b"]}},
    "NUL in an unknown key": {"x": {"a\0": 1}},
    "a long string": {"kind": "x" * 501},
    "an id as a string": {"id": "12"},
    "an id as a float": {"id": 12.0},
    "an id that is true": {"id": True},
    "an id that is too large": {"id": 2**63},
    "an id that is far too large": {"id": 10**4000},
    "an id of null": {"id": None},
    "a person of null": {"person": None},
    "a person as a number": {"person": 7},
    "a person as a list": {"person": [{"id": 7}]},
    "a person id as a string": {"person": {"id": "7"}},
    "minutes out of range": {"timeOfDayInMinutes": 2**31},
    "minutes as a float": {"timeOfDayInMinutes": 480.5},
    "minutes as a string": {"timeOfDayInMinutes": "480"},
    "minutes that are true": {"timeOfDayInMinutes": True},
    "degrees out of range": {"geolocation": {"longitude": 10**400}},
    "degrees as a string": {"geolocation": {"latitude": "NaN"}},
    "a flag as a number": {"isOpen": 1},
    "a number as a string": {"kind": 5},
    **{f"the day {day}": {"date": day} for day in ("0000-01-01", "10000-01-01", "2024-02-30", "infinity", "", "now")},
    "a day as a number": {"date": 20260320},
    "a day as a list": {"date": ["2026-03-20"]},
    "a day that is false": {"date": False},
    "levels as an object": {"activityLevels": {"level": 1}},
    "levels of levels": {"activityLevels": [[[{"level": 1}]]]},
    "too many levels": {"activityLevels": [{"level": 1, "activityDefinition": {"id": "a"}}] * 11_000},
    "many unknown parts": {"x": [0] * 25_000},
}
UNREADABLE = [
    b'{"id":1e400}',
    b'{"id":NaN}',
    b'{"id":-Infinity}',
    b'{"id":' + b"9" * 10_000 + b"}",
    b'{"x":' + b"9" * 10_000 + b"}",
    b'{"kind":"\\ud800"}',
    b'{"x":"\\udc00\\ud800"}',
    b'{"\\ud800":1}',
    b'{"kind":"\x00"}',
    b'{"x":"\xed\xa0\x80"}',
    b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}",
    b'{"x":' + b'{"x":' * DEEP + b"1" + b"}" * DEEP + b"}",
    b'{"activityLevels":' + b"[" * DEEP + b"]" * DEEP + b"}",
    b'{"person":' + b'{"id":' * DEEP + b"1" + b"}" * DEEP + b"}",
    b"[" * DEEP + b"]" * DEEP,
    b"[]",
    b'"text"',
    b"true",
    b"-0",
]


def test_each_hostile_record_is_stored_or_rejected_and_the_good_ones_are_stored(
    warehouse: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_COMMAS_IN_RECORD", 20_000)  # a tenth, for the sake of time
    records: dict[int, dict[str, Any]] = {}
    names = {}
    for name, changes in {**STORED, **REJECTED}.items():
        number = len(records) + 10
        records[number], names[number] = {**GOOD, "id": number, **changes}, name
    bodies = [json.dumps(one).encode() for one in records.values()]
    bodies += [one if one[:1] != b"{" else b'{"date":"2026-03-20",' + one[1:] for one in UNREADABLE]
    body = (
        b'{"value":[' + b",".join([json.dumps(GOOD).encode(), *bodies, json.dumps({**GOOD, "id": 2}).encode()]) + b"]}"
    )
    with (
        ScriptedServer([Answer(200, body)]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        counts, _ = sync(pipeline, "test", TODAY, TODAY, [7])
        again, _ = sync(pipeline, "test", TODAY, TODAY, [7])

    with engine.connect() as connection:
        stored = {row.id: row for row in connection.execute(sa.text("SELECT * FROM protime.clockings"))}
        rejected = connection.execute(
            sa.text("SELECT record_id, reason, record FROM protime_etl.rejected_record")
        ).all()
    assert {names[number] for number in stored if number >= 10} == set(STORED)
    assert {1, 2} <= set(stored)
    assert len(rejected) == counts.rejected == again.rejected == len(REJECTED) + len(UNREADABLE)
    assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)
    assert all(one.reason and len(one.reason) <= 500 and len(one.record) <= 10_000 for one in rejected)
    for number, row in stored.items():
        sent = {**GOOD, "id": number, **(records.get(number) or {})}
        assert (row.kind, str(row.date), row.person_id) == (sent["kind"], sent["date"], sent["person"]["id"])
        assert row.time_of_day_in_minutes == sent["timeOfDayInMinutes"]
        assert row.terminal_id == (sent.get("terminal") or {}).get("id")
        assert row.latitude == (sent.get("geolocation") or {}).get("latitude")
        assert row.activity_levels == sent.get("activityLevels")
        unknown = {key: value for key, value in sent.items() if key not in nested_records(CLOCKINGS.record)}
        assert row.extra == (unknown or None)


def test_a_record_that_comes_twice_or_names_a_key_twice_is_stored_once(warehouse: URL, engine: Engine) -> None:
    first, second = ({**GOOD, "changeVersion": version, "kind": version} for version in ("B", "A"))
    twice = b'{"id":2,"id":3,"person":{"id":7},"date":"2026-03-20","timeOfDayInMinutes":1,"kind":"a","kind":"b"}'
    body = b'{"value":[' + b",".join([json.dumps(first).encode(), json.dumps(second).encode(), twice, twice]) + b"]}"
    with (
        ScriptedServer([Answer(200, body)]) as server,
        open_pipeline(server.settings(scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        counts, _ = sync(pipeline, "test", TODAY, TODAY, [7])
    with engine.connect() as connection:
        stored = connection.execute(sa.text("SELECT id, kind FROM protime.clockings ORDER BY id")).all()
    assert [tuple(row) for row in stored] == [(1, "B"), (3, "b")]
    assert (counts.rows_read, counts.inserted, counts.rejected) == (4, 2, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP + b"]" * DEEP,
        b'{"value":[],"x":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"x":' + b"[" * DEEP + b"]" * DEEP + b',"value":[1]}',
        b'{"value":[{"id":1e400],"x":{}}',
        b'{"value":["' + b'\\"' * MIB,
        b'{"value":[],"nextLink":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"value":' + b"[" * DEEP,
        b'{"value":[],"nextLink":"\\ud800"}',
    ],
)
def test_a_page_nested_without_end_is_a_clear_error(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="not a page of JSON records"):
        decode_page(CLOCKINGS, body)


@pytest.mark.parametrize("collection", [CLOCKINGS, PEOPLE], ids=["clockings", "people"])
@pytest.mark.parametrize("field", ["x", "activityLevels", "person", "date", "kind", "id", "lastName"])
def test_no_depth_of_nesting_is_raised(collection: Any, field: str, amount: Callable[[int, int], int]) -> None:
    good = json.dumps(GOOD if collection is CLOCKINGS else {"id": 1}).encode()
    for depth in range(1, 1200, amount(9, 3)):
        for opening, middle, closing in ((b"[", b"", b"]"), (b'{"id":', b"1", b"}")):
            nested = opening * depth + middle + closing * depth
            page = decode_page(collection, b'{"value":[%s,{"id":2,"%s":%s}]}' % (good, field.encode(), nested))
            assert len(page.rows) + len(page.rejected) == 2
            assert page.rows[0][0] == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**64), 2**64)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["2026-03-20", "\0", "\ud800", 10**400, 2**31, 2**63, -0.0]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
field_names = st.sampled_from([*nested_records(CLOCKINGS.record), "x", "\0", ""])
records = json_values | st.dictionaries(field_names, json_values, max_size=3).map(lambda one: {**GOOD, "id": 2, **one})


@given(record=records, ascii_only=st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_record_is_stored_or_rejected(warehouse: URL, engine: Engine, record: object, ascii_only: bool) -> None:
    raw = json.dumps(record, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    body = b'{"value":[' + raw + b"," + json.dumps({**GOOD, "id": 2**62}).encode() + b"]}"
    tenant = f"t{next(NUMBERS)}"
    with (
        ScriptedServer([Answer(200, body)]) as server,
        open_pipeline(server.settings(tenant=tenant, scopes=CLOCKINGS_SCOPE), warehouse) as pipeline,
    ):
        counts, _ = sync(pipeline, "test", TODAY, TODAY, [7])
    with engine.connect() as connection:
        stored = connection.execute(
            sa.text("SELECT id FROM protime.clockings WHERE tenant = :tenant"), {"tenant": tenant}
        ).scalars()
        assert 2**62 in set(stored)
    assert counts.rows_read == 2
    assert counts.inserted + counts.rejected == 2


NUMBERS = itertools.count()


@settings(deadline=None)
@given(body=st.binary(max_size=200) | st.text().map(str.encode) | json_values.map(lambda one: json.dumps(one).encode()))
def test_no_body_raises_anything_else(body: bytes) -> None:
    for collection in (CLOCKINGS, PEOPLE):
        for page in (body, b'{"value":[' + body + b"]}", b'{"value":' + body + b"}"):
            with suppress(ProtocolError):
                decode_page(collection, page)
    for text in (body, b'{"error":' + body + b"}", b'{"code":1,"reasons":' + body + b"}"):
        code, message, reasons = error_details(text, hidden=("secret",))
        assert all(one.isprintable() and len(one) <= 300 for one in (code, message, *reasons))


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


@pytest.mark.parametrize("field", ["date", "x"])
def test_half_a_surrogate_costs_one_record_of_a_page(field: str) -> None:
    broken = b'{"id":2,"%s":"\\ud800"}' % field.encode()
    good = json.dumps(GOOD).encode()
    link = f"{PATH}?x=1"
    for start in (b'{"value" : [', b'{"x":"\\"value\\":[","y":{"value":[1,2]},"value":['):
        body = start + b" , ".join([good, broken, good]) + b'] , "nextLink":"' + link.encode() + b'"}'
        page = decode_page(CLOCKINGS, body)
        assert (len(page.rows), page.next_link) == (2, link)
        assert [one.record.strip() for one in page.rejected] == [broken.decode()]
        with pytest.raises(ProtocolError):
            decode_page(CLOCKINGS, body.replace(b" , ", b" ,, ", 1))
