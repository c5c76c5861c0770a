"""The tenant of the bench is one that this project can read, and says when it was rendered."""

import datetime as dt

from sqlalchemy.engine import URL

from benchmarks.clockings import Clockings, Tenant, people_for
from benchmarks.serving import Served, serving
from protime_etl.config import Settings, load_settings
from protime_etl.simulator.selection import Selection
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.pull.runs import sync
from protime_etl.work import Counts

TENANT = Tenant(people=12, last_day=dt.date(2026, 3, 20), days=40)


def settings(served: Served) -> Settings:
    return load_settings(
        from_environment=False,
        tenant="simulated",
        client_id="simulated-client",
        client_secret="simulated-secret",
        api_url=served.url,
        auth_url=served.url,
    )


def pull(served: Served, warehouse: URL) -> Counts:
    with open_pipeline(settings(served), warehouse) as pipeline:
        return sync(pipeline, TENANT.first_day, TENANT.last_day)[0]


def test_all_clockings_are_served_once_rendered_and_one_in_a_hundred_is_edited(warehouse: URL) -> None:
    people = TENANT.people
    with serving(TENANT) as served:
        assert pull(served, warehouse).inserted == served.clockings + people
        assert served.set()["rendered"] == served.set()["requests"] == len(served.asked())

        pull(served, warehouse)  # what was read before shapes the next plan, and so its pages
        served.set(reset="")
        assert pull(served, warehouse).unchanged == served.clockings + people

        served.set(form="edited")
        edited = pull(served, warehouse)
        assert served.set()["rendered"] == 0
        assert edited.updated == served.edited == served.clockings // 100
        assert edited.unchanged == served.clockings + people - served.edited


def test_the_clockings_are_those_of_the_documented_size_and_the_tenant_of_the_size_asked_for() -> None:
    clockings = Clockings(Tenant(people_for(30_000), TENANT.last_day))
    assert 0.99 < len(clockings) / 30_000 < 1.01
    assert 300 < clockings.record_bytes < 350


def test_a_listing_holds_the_people_and_days_that_were_asked_for() -> None:
    clockings = Clockings(TENANT)
    everything = clockings.listing(Selection(first_day=TENANT.first_day, last_day=TENANT.last_day))
    assert len(everything) == len(clockings)

    chosen = frozenset(TENANT.person_ids[3:5])
    days = (dt.date(2026, 3, 2), dt.date(2026, 3, 3))
    listing = clockings.listing(Selection(people=chosen, first_day=days[0], last_day=days[1]))
    records = [clockings.record(position, edited=False) for position in everything]
    wanted = [
        position
        for position, record in enumerate(records)
        if any(b'"person":{"id":%d}' % person in record for person in chosen)
        and any(f'"date":"{day}"'.encode() in record for day in days)
    ]
    assert list(listing) == wanted
