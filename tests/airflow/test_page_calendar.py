"""The calendar of the page: which day is of which kind, and where it stands."""

from __future__ import annotations

import datetime as dt

import pytest

from protime_etl.airflow.page.calendar import calendar_of

pytestmark = pytest.mark.airflow


def test_a_year_of_days() -> None:
    today = dt.date(2026, 3, 18)  # a Wednesday
    moment = dt.datetime(2026, 3, 18, 5, tzinfo=dt.UTC)

    def day(missing: int = 0, proven: bool = False, differences: int = 0) -> dict[str, object]:
        return {
            "people_covered": 10 - missing,
            "people_missing": missing,
            "last_read": moment,
            "proven_at": moment if proven else None,
            "differences": differences,
        }

    known = {
        today: day(10),
        today - dt.timedelta(1): day(3),
        today - dt.timedelta(2): day(3),
        today - dt.timedelta(3): day(3),
        today - dt.timedelta(4): day(),
        today - dt.timedelta(5): day(proven=True, differences=2),
        today - dt.timedelta(6): day(10),
        today - dt.timedelta(400): day(),
    }
    drawn = calendar_of(known, today, today)
    assert (drawn.first.weekday(), drawn.last, len(drawn.cells)) == (0, today, 52 * 7 + 3)
    kinds = [cell.kind for cell in drawn.cells[-8:]]
    assert kinds == ["none", "hole", "proven", "complete", "part", "running", "running", "running"]
    assert drawn.counts == {"proven": 1, "complete": 1, "part": 1, "hole": 1, "running": 3, "none": 360}
    assert drawn.label.endswith("1 incomplete, 1 not read, 3 not over yet, 360 not requested, 1 differed once")
    missing = [(first.day, last.day, whom) for (first, last), whom in drawn.missing]
    assert missing == [(15, 15, "3 of 10 people"), (12, 12, "10 of 10 people")]
    proven = drawn.cells[-6]
    assert proven.differed
    assert proven.title == (
        "Fri 13 Mar 2026; read for 10 people; last read 2026-03-18 05:00; verified 2026-03-18 05:00;"
        " 2 records differed once"
    )
    assert drawn.cells[-4].title.startswith("Sun 15 Mar 2026; not read for 3 of 10 people; last read")
    # A column a week, and no square outside the picture.
    assert len({cell.x for cell in drawn.cells}) == 53
    assert max(cell.x for cell in drawn.cells) < drawn.width
    assert max(cell.y for cell in drawn.cells) < drawn.height


def test_days_whose_last_reading_failed_are_incomplete_and_neighbours_are_one_range() -> None:
    today = dt.date(2026, 3, 18)
    days = [today - dt.timedelta(n) for n in range(10)]
    unread = {"people_covered": 0, "people_missing": 10, "last_read": None, "proven_at": None, "differences": 0}
    drawn = calendar_of(dict.fromkeys(days, unread), today, today, [(today - dt.timedelta(5), today)])
    assert drawn.missing == [((days[-1], today), "10 of 10 people")]
    assert drawn.days_missing == 10
    # Without a failure the days that are not over yet are no hole.
    assert calendar_of(dict.fromkeys(days, unread), today, today).missing == [
        ((days[-1], today - dt.timedelta(3)), "10 of 10 people")
    ]
