"""How the simulated tenant behaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.faults import FaultPlan

__all__ = ["CLOCKINGS_SCOPE", "KNOWN_SCOPES", "PEOPLE_SCOPE", "Options"]

CLOCKINGS_SCOPE = COLLECTIONS["clockings"].scope
PEOPLE_SCOPE = COLLECTIONS["people"].scope
KNOWN_SCOPES = frozenset(collection.scope for collection in COLLECTIONS.values())


@dataclass(frozen=True, kw_only=True)
class Options:
    """Choices that the documentation leaves to the tenant or does not describe."""

    tenant_name: str = "simulated"
    client_id: str = "simulated-client"
    client_secret: str = "simulated-secret"  # noqa: S105 - a secret of nothing, published on purpose
    scopes: frozenset[str] = KNOWN_SCOPES
    """The scopes that the client may have; a known one it may not have is left out of its token."""
    refuses_missing_scopes: bool = False
    """Whether asking for a scope that the client may not have fails the whole token request instead."""
    expires_in: int = 1800
    """Seconds that a token is good for."""
    page_size: int = 1000
    empty_page_every: int = 7
    """Every n-th page of a list is empty although more follow; 0 for never."""
    latency: float = 0.0
    """Seconds that every answer is held back."""
    faults: FaultPlan = field(default_factory=FaultPlan)
    """What goes wrong."""
    replay_delta_links: bool = True
    """Whether a deltaLink may be used again, and then gives the same changes and newer ones; otherwise 409."""
    moved_out_of_delta: Literal["delete", "nothing"] = "delete"
    """What a delta reports about a record that its filter no longer holds."""
    shuffle_delta: bool = True
    """Report every change of a record, not only its newest, and in an order that is not that of changeVersion."""
    superseded_delta_status: int = 409
    """The answer to the links of a delta after another one was started: 409 or 410."""

    def __post_init__(self) -> None:
        if self.page_size < 1:
            raise ValueError("a page holds at least one record")
        if self.empty_page_every < 0 or self.empty_page_every == 1:
            raise ValueError("every page empty would be a list without an end")
        if self.superseded_delta_status not in {409, 410}:
            raise ValueError("a superseded delta is answered with 409 or 410")
