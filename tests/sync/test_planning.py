from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.config import load_settings
from protime_etl.protime.auth import MemoryTokenStore, TokenSource
from protime_etl.protime.client import MAX_URI_CHARACTERS, ProtimeClient
from protime_etl.sync.plan.slices import TOKEN_CHARACTERS, expected_requests, plan_gaps, plan_units, slice_filter
from protime_etl.sync.plan.volume import VolumeEstimate
from protime_etl.work import Slice


@pytest.fixture
def client() -> ProtimeClient:
    settings = load_settings(
        from_environment=False,
        tenant="a-customer-with-a-long-name",
        environment="sandbox",
        client_id="a",
        client_secret="b",
    )
    return ProtimeClient(settings, TokenSource(settings, MemoryTokenStore(), fetch=lambda _: pytest.fail("no request")))


def test_ten_thousand_people_need_at_most_24_batches_and_no_uri_is_too_long(client: ProtimeClient) -> None:
    people = range(100_000, 110_000)
    day = dt.date(2026, 1, 4)  # a Sunday, when no person fills a page

    planned = [unit.person_ids for unit in plan_units(client, CLOCKINGS, people, day, day)]

    assert len(planned) <= 24
    assert [one for batch in planned for one in batch] == list(people)
    lengths = [len(client.list_uri(CLOCKINGS, slice_filter(batch, day, day))) for batch in planned]
    assert max(lengths) <= MAX_URI_CHARACTERS - TOKEN_CHARACTERS
    assert min(lengths[:-1]) > MAX_URI_CHARACTERS - TOKEN_CHARACTERS - 7, "a batch is as large as the URI allows"


def test_ids_of_any_length_fit(client: ProtimeClient) -> None:
    people = [1, 22, 2**62, 2**63 - 1] * 300
    for batch, *_ in plan_units(client, CLOCKINGS, people, dt.date(2026, 1, 1), dt.date(2026, 1, 1)):
        assert list(batch) == sorted({1, 22, 2**62, 2**63 - 1})


@pytest.mark.parametrize("days", [1, 2, 364, 365, 366, 730, 731, 5000])
@pytest.mark.parametrize("people", [1, 400, 1000])
def test_windows_cover_every_day_once_and_never_more_than_a_year(client: ProtimeClient, days: int, people: int) -> None:
    first = dt.date(2023, 12, 31)
    last = first + dt.timedelta(days=days - 1)
    one = 500_000

    units = plan_units(client, CLOCKINGS, range(one, one + people), first, last)
    planned = [unit for unit in units if one in unit.person_ids]

    covered = [start + dt.timedelta(days=n) for _, start, end, _ in planned for n in range((end - start).days + 1)]
    assert sorted(covered) == [first + dt.timedelta(days=n) for n in range(days)]
    assert all((end - start).days < 365 for _, start, end, _ in planned)
    assert len(planned) >= -(-days // 365)
    if people == 1:
        assert len(planned) == -(-days // 365)
    assert planned == sorted(planned, key=lambda unit: unit.last, reverse=True)


MONDAY = dt.date(2026, 1, 5)


@pytest.mark.parametrize(
    ("people", "days", "per_day"), [(20_000, 1, 2.8), (20_000, 1, 4.0), (2_000, 365, 2.6), (500, 365, 3.1), (90, 30, 2)]
)
def test_units_need_hardly_more_requests_than_pages(
    client: ProtimeClient, people: int, days: int, per_day: float
) -> None:
    estimate = VolumeEstimate(CLOCKINGS, dict.fromkeys(range(7), (per_day * 100, 100)), page_size=1000)
    ids = range(100_000, 100_000 + people)

    planned = list(plan_units(client, CLOCKINGS, ids, MONDAY, MONDAY + dt.timedelta(days=days - 1), estimate))

    rows = people * days * per_day
    by_uri = -(-people // 460)
    least = max(-(-rows // 1000), by_uri)
    assert expected_requests(planned, {"clockings": estimate}) <= 1.1 * least + 1
    assert sum(len(unit.person_ids) * ((unit.last - unit.first).days + 1) for unit in planned) == people * days
    assert all(len(unit.person_ids) * per_day * ((unit.last - unit.first).days + 1) <= 101_000 for unit in planned), (
        "a unit that is lost is not much"
    )


@pytest.mark.parametrize("workers", [2, 4, 16])
@pytest.mark.parametrize("page_size", [100, 1000, 5000])
@pytest.mark.parametrize(("people", "days"), [(600, 60), (5, 1800), (20_000, 8)])
def test_no_worker_is_idle_for_more_than_a_tenth_of_the_time(
    client: ProtimeClient, workers: int, page_size: int, people: int, days: int
) -> None:
    estimate = VolumeEstimate(CLOCKINGS, dict.fromkeys(range(7), (300, 100)), page_size=page_size)
    asked = Slice(range(people), MONDAY, MONDAY + dt.timedelta(days=days - 1), "clockings")
    planned = list(plan_gaps(client, [asked], estimate, workers=workers))
    busy = [0.0] * workers
    for unit in planned:
        rows = len(unit.person_ids) * ((unit.last - unit.first).days + 1) * 3
        busy[busy.index(min(busy))] += rows
    assert sum(busy) == people * days * 3
    smallest = max(2000, 365 * 3)
    assert min(busy) >= 0.9 * max(busy) - smallest, [round(one) for one in busy]
    alone = expected_requests(plan_gaps(client, [asked], estimate), {"clockings": estimate})
    assert expected_requests(planned, {"clockings": estimate}) <= 1.1 * alone + 10 * workers


@pytest.mark.parametrize("people", [12, 500, 2000])
def test_units_are_cut_by_people_before_days(client: ProtimeClient, people: int) -> None:
    estimate = VolumeEstimate(CLOCKINGS, dict.fromkeys(range(7), (260.0, 100.0)), page_size=1000)
    planned = list(plan_units(client, CLOCKINGS, range(people), MONDAY, MONDAY + dt.timedelta(days=364), estimate))
    assert len({(unit.first, unit.last) for unit in planned}) == 1, "the coverage of each person is written once"
    assert sorted(one for unit in planned for one in unit.person_ids) == list(range(people))


def test_a_unit_of_few_people_is_cut_by_days(client: ProtimeClient) -> None:
    estimate = VolumeEstimate(CLOCKINGS, dict.fromkeys(range(7), (260.0, 100.0)), page_size=77)
    planned = list(plan_units(client, CLOCKINGS, range(22), MONDAY, MONDAY + dt.timedelta(days=364), estimate))
    largest: dict[dt.date, int] = {}
    for unit in planned:
        largest[unit.first] = max(largest.get(unit.first, 0), len(unit.person_ids))
    assert len(largest) > 1
    assert min(largest.values()) >= 9


@pytest.mark.parametrize("probing", [False, True])
def test_gaps_are_planned_exactly(client: ProtimeClient, probing: bool) -> None:
    gaps = [
        Slice([1, 2], MONDAY, MONDAY, "clockings"),
        Slice([3], MONDAY + dt.timedelta(days=2), MONDAY + dt.timedelta(days=500), "clockings"),
    ]
    cells = set()
    for unit in plan_gaps(client, gaps, VolumeEstimate(CLOCKINGS), probing=probing):
        for person in unit.person_ids:
            for n in range((unit.last - unit.first).days + 1):
                cell = (person, unit.first + dt.timedelta(days=n))
                assert cell not in cells
                cells.add(cell)
    expected = {(1, MONDAY), (2, MONDAY)} | {(3, MONDAY + dt.timedelta(days=n)) for n in range(2, 501)}
    assert cells == expected
