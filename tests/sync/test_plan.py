from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.config import load_settings
from protime_etl.protime.auth import MemoryTokenStore, TokenSource
from protime_etl.protime.client import MAX_URI_CHARACTERS, ProtimeClient
from protime_etl.protime.resources import COLLECTIONS
from protime_etl.sync.plan import TOKEN_CHARACTERS, batches, clockings_filter, plan_units, windows


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
    day = dt.date(2026, 1, 1)

    planned = list(batches(client, people))

    assert len(planned) <= 24
    assert [one for batch in planned for one in batch] == list(people)
    lengths = [len(client.list_uri(COLLECTIONS["clockings"], clockings_filter(batch, day, day))) for batch in planned]
    assert max(lengths) <= MAX_URI_CHARACTERS - TOKEN_CHARACTERS
    assert min(lengths[:-1]) > MAX_URI_CHARACTERS - TOKEN_CHARACTERS - 7, "a batch is as large as the URI allows"


def test_ids_of_any_length_fit(client: ProtimeClient) -> None:
    people = [1, 22, 2**62, 2**63 - 1] * 300
    for batch, _, _ in plan_units(client, people, dt.date(2026, 1, 1), dt.date(2026, 1, 1)):
        assert batch == sorted({1, 22, 2**62, 2**63 - 1})


@pytest.mark.parametrize("days", [1, 2, 364, 365, 366, 730, 731, 5000])
def test_windows_cover_every_day_once_and_never_more_than_a_year(days: int) -> None:
    first = dt.date(2023, 12, 31)
    last = first + dt.timedelta(days=days - 1)

    planned = list(windows(first, last))

    covered = [start + dt.timedelta(days=n) for start, end in planned for n in range((end - start).days + 1)]
    assert covered == [first + dt.timedelta(days=n) for n in range(days)]
    assert all((end - start).days < 365 for start, end in planned)
    assert len(planned) == -(-days // 365)
