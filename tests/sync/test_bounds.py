from __future__ import annotations

from typing import Any

import pytest

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.errors import ProtocolError
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.sync.delta.poll import poll
from protime_etl.sync.pipeline import Pipeline
from protime_etl.sync.pull.lists import read_people

PAGES = 100


def endless(served: Any) -> Any:
    """A list whose pages are never empty, and that ends long after it should have been given up."""

    def read(*arguments: Any) -> tuple[list[object], int | None]:
        *selection, after, limit = arguments
        return served(*selection, 0, limit)[0], after + 1 if after < PAGES else None

    return read


def test_an_initial_load_that_goes_on_for_ever_is_an_error(
    pipeline: Pipeline, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protime_etl.sync.delta.initial_load.LEAST_PEOPLE", 0)
    monkeypatch.setattr("protime_etl.sync.read.bounds.LEAST_CLOCKINGS", 500)
    monkeypatch.setattr(simulated.tenant, "page", endless(simulated.tenant.page))
    with pytest.raises(ProtocolError, match="initial load have no end: more than 500 records"):
        poll(pipeline, CLOCKINGS)
    assert simulated.served.requests["clockings"] < 15


@pytest.mark.parametrize("served", [{}, {"id": "unreadable"}], ids=["readable", "unreadable"])
def test_a_list_of_people_that_goes_on_for_ever_is_an_error(
    pipeline: Pipeline, simulated: SimulatedTenant, monkeypatch: pytest.MonkeyPatch, served: dict[str, str]
) -> None:
    monkeypatch.setattr("protime_etl.sync.read.bounds.LEAST_LISTED", 200)
    for one in simulated.tenant.records("people") if served else ():
        simulated.tenant.replace_raw(one.id, served, "people")
    monkeypatch.setattr(simulated.tenant, "page", endless(simulated.tenant.page))
    with pytest.raises(ProtocolError, match="pages of people have no end: more than 200 records"):
        read_people(pipeline)
    assert simulated.served.requests["people"] < 20
