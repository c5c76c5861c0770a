"""The limit of inferred deletions: what vanishes by the hundred at once is rather an error than a deletion.

Narrowed rights, an outage or a fault of the tenant look like this: an answer with status 200 that is nearly empty. Then
nothing is marked as deleted, everything else is committed, and the caller learns how many it would have been and
how to accept it. What was withheld is not covered, so that the next reading finds it again.

A list that is read whole may be short. So a list that comes empty, or without more than half of its records, is held
back however few they are; of fewer than four records one more or less says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from protime_etl.errors import DeletionsWithheldError

__all__ = ["SHARE", "DeletionLimit"]

LEAST = 50
SHARE = 10
LEAST_LISTED = 4


@dataclass(frozen=True)
class DeletionLimit:
    """How many records may vanish at once without having been accepted."""

    most: int | None = None
    """The most, whatever the scope holds (`PROTIME_MAX_VANISHED`); None: a tenth of the scope, and at least 50."""
    accepted: bool = False
    """Whether the caller has accepted any number."""

    def allowed(self, scope: int) -> int:
        """How many records may vanish of a scope that held `scope` records."""
        return max(LEAST, scope // SHARE) if self.most is None else self.most

    def is_exceeded(self, vanished: int, scope: int) -> bool:
        """Whether this number of vanished records of a scope is too large for them to be marked as deleted."""
        return not self.accepted and vanished > self.allowed(scope)

    def is_exceeded_by_list(self, vanished: int, listed: int, live: int) -> bool:
        """The same of a list that is read whole, has `listed` records now and had `live` ones before."""
        halved = live >= LEAST_LISTED and 2 * vanished > live
        suspicious = vanished > 0 and (not listed or halved)
        return self.is_exceeded(vanished, listed + vanished) or (suspicious and not self.accepted)

    def error(self, vanished: int, scope: int, what: str) -> DeletionsWithheldError:
        """What to report after everything else was committed; `what` names the scope, such as `clockings of ...`."""
        limit = f", more than {self.allowed(scope)}" if vanished > self.allowed(scope) else ""
        return DeletionsWithheldError(
            f"{vanished} of {scope} {what} vanished at once{limit}:"
            " none of them is marked as deleted, the rest is stored.",
            guidance="If they really were deleted, repeat it with --accept-deletions (in Airflow: accept_deletions)."
            " PROTIME_MAX_VANISHED (max_vanished) sets the limit.",
        )
