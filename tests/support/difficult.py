"""What is put between the simulated tenant and its answers, for questions that it cannot answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protime_etl.simulator.answers import RefusalError, refused
from protime_etl.simulator.faults import FaultPlan, RateLimit
from protime_etl.simulator.selection import Selection
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant

EVERYTHING = 10**9


def refuse_lists(
    tenant: Tenant, hard: Callable[[Selection, list[Any]], bool], status: int = 500, of: str = "clockings"
) -> None:
    """Answer a list of this collection with an error whenever `hard` says so of its selection and what is in it."""
    usual = tenant.page

    def page(collection: str, selection: Selection, after: int, limit: int) -> tuple[list[object], int | None]:
        if collection == of and hard(selection, usual(collection, selection, 0, EVERYTHING)[0]):
            raise RefusalError(refused(status, "Error", "The answer cannot be made"))
        return usual(collection, selection, after, limit)

    tenant.page = page  # type: ignore[method-assign]


def answer_again(tenant: Tenant) -> None:
    """Answer every list again."""
    del tenant.page


class Quota:
    """A number of requests until the next window; the rest have to wait, until `renew`."""

    def __init__(self, simulated: SimulatedTenant, requests: int, retry_after: float = 3600) -> None:
        limit = RateLimit(requests=requests, seconds=10**6, retry_after=retry_after)
        self._plan = FaultPlan(rate_limit=limit)
        self._simulated = simulated
        self.windows = 0
        self.renew()

    def renew(self) -> None:
        """Begin the next window."""
        self.windows += 1
        self._simulated.served.misbehaviour.follow(self._plan)
