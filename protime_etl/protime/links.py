"""Links that the API gives: followed on the tenant's own host and path only, and sent as they may be sent."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, urlsplit

from protime_etl.errors import UntrustedLinkError

__all__ = ["KEPT_IN_LINK", "own_uri"]

PORTS = {"http": 80, "https": 443}
# What a link may hold as it is; everything else, blanks and quotes first of all, is encoded. `%` stays: a token that
# is encoded already must not be encoded twice. https://documentation.myprotime.eu/protimeapi/how-to/fetch-resources/
KEPT_IN_LINK = "%'(),!$&*+/:;=?@~"


def own_uri(base: str, link: str, path: str, what: str) -> str:
    """The URI of a link that stays on `base` and `path`; `what` names the list in the error.

    Raises:
        UntrustedLinkError: it leads elsewhere.
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        raise UntrustedLinkError(f"A link of {what} cannot be read; it is not followed.") from None
    own_base = urlsplit(base)
    own = (
        link.isprintable()
        and parts.path == path
        and not parts.fragment
        and ((parts.scheme, parts.netloc) == ("", "") or _origin(parts) == _origin(own_base))
    )
    if not own:
        raise UntrustedLinkError(
            f"A link of {what} leads away from {own_base.netloc}{path}; it is not followed.",
            guidance="Report this to Protime: the token was not sent there.",
        )
    return f"{base}{parts.path}?{quote(parts.query, safe=KEPT_IN_LINK)}"


def _origin(parts: SplitResult) -> tuple[str, str, int] | None:
    """Scheme, host and port, in whichever of its spellings a link names them; None for what is no host alone."""
    try:
        port = parts.port
    except ValueError:
        return None
    if not parts.netloc.isascii() or "@" in parts.netloc or parts.scheme not in PORTS:
        return None
    host = (parts.hostname or "").removesuffix(".")
    return (parts.scheme, host, PORTS[parts.scheme] if port is None else port) if host else None
