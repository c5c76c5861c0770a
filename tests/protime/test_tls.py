"""A TLS connection that cannot be made reports why, without the address that was asked; over real TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protime_etl.errors import ProtimeError
from protime_etl.protime.transport import new_session, send
from tests.cli.shell import Shell

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def certificate(
    folder: Path, *, host: str = "127.0.0.1", begins: dt.datetime = NOW - DAY, ends: dt.datetime = NOW + DAY
) -> Path:
    """A file with a key and a certificate that signs itself, good as an authority, too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of a test")])
    is_address = host.replace(".", "").isdigit()
    alternative = x509.IPAddress(ipaddress.ip_address(host)) if is_address else x509.DNSName(host)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def server(context: ssl.SSLContext | None) -> Iterator[str]:
    """A server that speaks TLS, or else plain HTTP, and answers `{}`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) if context else self.request as it,
            ):
                it.recv(65536)
                it.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as tcp:
        tcp.daemon_threads = True
        threading.Thread(target=tcp.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"https://127.0.0.1:{tcp.server_address[1]}"
        finally:
            tcp.shutdown()


def speaking(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def failure(url: str) -> str:
    session = new_session()
    try:
        with pytest.raises(ProtimeError) as caught:
            send(session, "GET", f"{url}/path?filter=a-secret", headers={})
    finally:
        session.close()
    assert "a-secret" not in str(caught.value)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_good_certificate_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    session = new_session()
    with server(speaking(path)) as url:
        assert send(session, "GET", url, headers={})[1] == b"{}"
    session.close()


@pytest.mark.parametrize(
    ("changes", "trusted", "message"),
    [
        ({"begins": NOW - 2 * DAY, "ends": NOW - DAY}, True, "be trusted (certificate has expired). Check the clock"),
        ({"begins": NOW + DAY, "ends": NOW + 2 * DAY}, True, "cannot be trusted (certificate is not yet valid). Check"),
        ({"host": "192.0.2.1"}, True, "mismatch, certificate is not valid for '127.0.0.1'). Check PROTIME_TENANT"),
        ({"host": "acme.example"}, True, "mismatch, certificate is not valid for '127.0.0.1'). Check PROTIME_TENANT"),
        ({}, False, "cannot be trusted (self-signed certificate). Check the host; for a private"),
    ],
    ids=["expired", "of tomorrow", "another address", "another host", "signed by itself"],
)  # fmt: skip
def test_what_is_wrong_with_a_certificate_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, dt.datetime], trusted: bool, message: str
) -> None:
    path = certificate(tmp_path, **changes)  # type: ignore[arg-type]
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with server(speaking(path)) as url:
        assert message in failure(url)


def test_what_does_not_speak_tls_is_reported() -> None:
    with server(None) as url:
        message = failure(url)
    assert "There is no TLS connection to 127.0.0.1" in message
    assert "may not speak TLS" in message


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), ("", "it holds no certificates"), ("nonsense", "it holds no certificates")],
)
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_certificates_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, why: str
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, str(bundle))
    with server(speaking(certificate(tmp_path))) as url:
        assert failure(url) == f"{name} names a file that cannot be used ({why}). Correct or unset it."


def test_a_file_for_keys_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "nowhere" / "keys"))
    with server(speaking(certificate(tmp_path))) as url:
        assert f"{tmp_path}/nowhere/keys cannot be used (No such file or directory)" in failure(url)


def test_the_command_line_reports_it_in_one_line(tmp_path: Path) -> None:
    path = certificate(tmp_path, begins=NOW - 2 * DAY, ends=NOW - DAY)
    with server(speaking(path)) as url:
        nowhere = "postgresql://127.0.0.1:1/d"
        shell = Shell(
            tmp_path, tenant="acme", client_id="c", client_secret="s", api_url=url, auth_url=url, database_url=nowhere
        )
        shell.environment = {"REQUESTS_CA_BUNDLE": str(path)}
        result = shell("check")
    assert result.returncode == 1
    assert "credentials  NO  The TLS certificate of 127.0.0.1:" in result.stdout
    assert "(certificate has expired)" in result.stdout
