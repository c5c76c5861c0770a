"""Why there was no answer: the exceptions of requests as ours, without the address and what it holds."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

import requests
import urllib3

from protime_etl.errors import ProtimeError, ProtocolError, SettingsError, UnreachableError
from protime_etl.machine import NO_FILES, machine_fault

__all__ = ["explain", "printable"]

PROXIES = "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")
NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE"}

NO_ADDRESS = (urllib3.exceptions.URLSchemeUnknown, urllib3.exceptions.LocationParseError)


def printable(text: str) -> str:
    """What another party says, without what a terminal or a log would take for more than text."""
    return "".join(character for character in text if character.isprintable())


def explain(error: Exception, host: str) -> ProtimeError | None:
    """The error to raise instead; None for what was not foreseen."""
    inner = _innermost(error)
    no_file = isinstance(inner, (ssl.SSLError, FileNotFoundError, PermissionError)) or type(inner) is OSError
    if no_file and (broken := _broken_bundle()):
        return broken
    if isinstance(inner, ssl.SSLError):
        return _no_tls(inner, host)
    if isinstance(inner, OSError) and (inner.filename or inner.errno in NO_FILES):  # such as SSLKEYLOGFILE
        return machine_fault(inner)
    return _own_choice(error, inner) or _cut(error, inner, host) or _unreachable(error, inner, host)


def _innermost(error: BaseException) -> BaseException:
    """The exception that began it: the text of the others holds the whole URL."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = error.__cause__ or error.__context__
        if inner is None or inner is error:
            return error
        error = inner


def _no_tls(error: ssl.SSLError, host: str) -> ProtimeError:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = printable(error.verify_message)[:200].rstrip(".")
        message = f"The TLS certificate of {host} cannot be trusted ({why})."
        if "expired" in why or "not yet valid" in why:
            return UnreachableError(message, guidance="Check the clock of this machine; else the host needs a new one.")
        if "mismatch" in why:
            return UnreachableError(message, guidance="Check PROTIME_TENANT, PROTIME_API_URL and PROTIME_AUTH_URL.")
        guidance = "Check the host; for a private certificate authority set REQUESTS_CA_BUNDLE."
        return UnreachableError(message, guidance=guidance)
    reason = printable(error.reason or type(error).__name__)
    guidance = "Check the network, and what is between here and the host, such as a proxy."
    if reason in NO_TLS:
        guidance = "What answers there may not speak TLS: check the port, and whether a proxy answers."
    return UnreachableError(
        f"There is no TLS connection to {host} ({reason.replace('_', ' ').lower()}).", guidance=guidance
    )


def _own_choice(error: Exception, inner: BaseException) -> SettingsError | None:
    """What the environment names and cannot be used."""
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return SettingsError(
            "The proxy is a SOCKS proxy, for which a package is missing.",
            guidance=f"pip install 'requests[socks]', or name another proxy in {PROXIES}.",
        )
    # The address that is asked was looked at when the settings were read; what cannot be read now is the proxy's.
    if isinstance(error, requests.exceptions.InvalidProxyURL) or isinstance(inner, NO_ADDRESS):
        return SettingsError(
            "The address of the proxy cannot be read.",
            guidance=f"Write {PROXIES} as http://proxy.example:3128; in a password write @ as %40.",
        )
    return None


def _broken_bundle() -> SettingsError | None:
    """What is wrong with the certificates that the environment names."""
    name = "REQUESTS_CA_BUNDLE" if os.environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE"
    bundle = os.environ.get(name)
    if not bundle or Path(bundle).is_dir():
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(bundle)
    except OSError as error:  # those of TLS are among them
        why = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror
        return SettingsError(f"{name} names a file that cannot be used ({why}).", guidance="Correct or unset it.")
    return None


def _cut(error: Exception, inner: BaseException, host: str) -> ProtimeError | None:
    """An answer that began and did not come to its end, or that is not HTTP."""
    if isinstance(error, requests.exceptions.Timeout) or isinstance(inner, TimeoutError):
        return UnreachableError(f"{host} did not answer in time.", guidance="Try again later.")
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        return ProtocolError(f"The answer of {host} was cut short or cannot be decompressed.")
    if isinstance(error, ValueError) and not isinstance(error, requests.exceptions.RequestException):
        return ProtocolError(f"The answer of {host} is not HTTP.")  # the size of a chunk was below zero
    return None


def _unreachable(error: Exception, inner: BaseException, host: str) -> UnreachableError | None:
    if isinstance(error, requests.exceptions.ProxyError):
        status = TUNNEL.search(str(inner))
        why = f"status {status[1]}" if status else type(inner).__name__
        return UnreachableError(
            f"The proxy does not reach {host} ({why}).", guidance=f"Check {PROXIES}, or name the host in NO_PROXY."
        )
    if isinstance(error, requests.exceptions.RequestException):
        return UnreachableError(
            f"{host} cannot be reached ({type(inner).__name__}).",
            guidance="Check the network and PROTIME_TENANT, or PROTIME_API_URL and PROTIME_AUTH_URL.",
        )
    return None
