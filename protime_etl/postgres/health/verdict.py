"""Whether all is well with a tenant: one answer for the command line, for alarms, for Airflow's assets and for metrics.

It follows from the book alone: all is well if nothing that is due is unread or wrong, and the delta is alive. A problem
has its reason, its days and the command that ends it; it ends when the days are right, however they became so. A note
needs nothing done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.counted import counted
from protime_etl.postgres.health.facts import Facts, Row, read_facts
from protime_etl.postgres.health.problems import RANGES_SHOWN, Problem, days_in_words, problems_of

__all__ = ["Health", "is_about", "judge", "read_health"]

PATIENCE = "10s"
SEVERITY = {"error": 0, "warning": 1, "note": 2}
DECISIVE = frozenset({"wrong", "book", "asked", "deltas", "collections"})
"""Facts without which it is not known whether all is well."""
FIGURE_OF = {
    "complete_age_seconds": "book",
    "delta_age_seconds": "deltas",
    "paused_seconds": "pauses",
    "failed_units": "wrong",
    "holes_days": "book",
    "rejected_records": "tenants",
    "drift_records": "deltas",
    "unproven_days": "book",
    "proof_age_days": "book",
    "differences": "proof_days",
}
"""The fact that each figure rests on."""


@dataclass(frozen=True)
class Health:
    """The state of a tenant's data."""

    tenant: str
    complete: str
    """The days that are completely here, in words."""
    last_complete: str | None
    """The last of them, of the collection whose last one is oldest."""
    hours: float | None
    """How long ago that day ended."""
    found: list[Problem] = field(default_factory=list)
    """The worst first."""
    figures: dict[str, float] = field(default_factory=dict)
    """What can be measured, by name; those that are not known are left out."""
    too_slow: frozenset[str] = frozenset()
    """Facts that could not be read in time."""

    @property
    def problems(self) -> list[Problem]:
        """What needs a look."""
        return [one for one in self.found if one.level != "note"]

    @property
    def ok(self) -> bool:
        """Whether nothing needs attention and every decisive fact is known."""
        return not self.problems and not self.too_slow & DECISIVE

    @property
    def headline(self) -> str:
        """The whole in one line."""
        verdict = "OK" if self.ok else "NOT COMPLETE" if self.problems else "NOT KNOWN"
        return f"{self.tenant}: {verdict} - {self.complete}"

    @property
    def lines(self) -> list[str]:
        """One line, and one for each problem and note."""
        notes = [f"  note: {one.line}" for one in self.found if one.level == "note"]
        return [self.headline, *(f"  {one.line}" for one in self.problems), *notes]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "tenant": self.tenant,
            "ok": self.ok,
            "complete": self.complete,
            "last_complete": self.last_complete,
            "hours": self.hours,
            "problems": [one.line for one in self.problems],
            "found": [one.as_dict() for one in self.found],
            "figures": self.figures,
        }


def read_health(connection: Connection, tenant: str, collections: Sequence[str]) -> Health:
    """Ask the warehouse, and judge; for callers that cannot wait, such as notifications.

    Raises:
        sqlalchemy.exc.OperationalError: it does not answer within a few seconds.
    """
    connection.execute(sa.text("SELECT set_config('statement_timeout', :patience, true)"), {"patience": PATIENCE})
    return judge(tenant, read_facts(connection, collections), collections)


def judge(tenant: str, facts: Facts, collections: Sequence[str]) -> Health:
    """Judge a tenant by the facts about it and these collections."""
    slow = [row for row in facts.get("too_slow", ()) if row.get("tenant", tenant) == tenant]
    too_slow = frozenset(str(row["fact"]) for row in slow)
    why = next((row["why"] for row in slow if "why" in row), "")
    of_tenant = {name: [row for row in rows if is_about(row, tenant, collections)] for name, rows in facts.items()}
    dated = [path for path in collections if COLLECTIONS[path].is_dated]
    ends = {path: _last_complete(of_tenant["complete"], path) for path in dated}
    oldest = min(ends.values(), key=lambda row: row["last"] if row else dt.date.min, default=None)
    hours = None if oldest is None else float(oldest["hours"])
    found = problems_of(of_tenant, collections, dated, too_slow, why)
    return Health(
        tenant,
        _complete(of_tenant, dated) if "book" not in too_slow else why or "the warehouse takes too long to answer",
        None if oldest is None else str(oldest["last"]),
        hours,
        sorted(found, key=lambda one: SEVERITY[one.level]),
        _figures(of_tenant, hours, too_slow),
        too_slow,
    )


def is_about(row: Row, tenant: str, collections: Sequence[str]) -> bool:
    """Whether it is of this tenant, and of these collections if it is of any."""
    of = row.get("collections", [row["collection"]] if "collection" in row else collections)
    return row.get("tenant") == tenant and not {*of}.isdisjoint(collections)


def _last_complete(complete: Sequence[Row], path: str) -> Row | None:
    """The last range of a collection that is complete."""
    ranges = [row for row in complete if row["collection"] == path and row["first"] is not None]
    return ranges[-1] if ranges else None


def _complete(facts: Facts, dated: Sequence[str]) -> str:
    """Which days are completely here: once if that is the same of all collections."""
    of = {path: [row for row in facts["complete"] if row["collection"] == path] for path in dated}
    said = {path: _ranges([row for row in rows if row["first"] is not None]) for path, rows in of.items()}
    for row in facts["plans"]:
        if row["until"] is not None and row["collection"] in said:
            said[row["collection"]] += f", plans to {row['until']}"
    if len({*said.values()}) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{path} {words}" for path, words in said.items()) or "lists alone"


def _ranges(rows: Sequence[Row]) -> str:
    if not rows:
        return "no day is complete yet"
    latest = [days_in_words(row["first"], row["last"]) for row in rows[-RANGES_SHOWN:]]
    before = f" and {counted(len(rows) - len(latest), 'range')} before" if len(rows) > len(latest) else ""
    return f"complete {', '.join(latest)}{before}"


def _figures(facts: Facts, hours: float | None, too_slow: Set[str]) -> dict[str, float]:
    """What can be measured, in base units."""
    asked = [row["hours_since"] * 3600 for row in facts["deltas"] if row["requested_at"]]
    known: dict[str, float | None] = {
        "complete_age_seconds": None if hours is None else hours * 3600,
        "delta_age_seconds": max(asked, default=None),
        "paused_seconds": max((row["seconds"] for row in facts["pauses"]), default=0),
        "failed_units": len(facts["wrong"]),
        "holes_days": len(_days_of(facts["gaps"]) | _days_of(facts["wrong"])),
        "rejected_records": sum(row["rejected"] for row in facts["tenants"]),
        "drift_records": sum(row["drift"] for row in facts["deltas"]),
        "unproven_days": sum(row["days"] - row["proven"] for row in facts["proof"]),
        "proof_age_days": max((row["oldest_days"] for row in facts["proof"] if row["oldest"]), default=None),
        "differences": sum(row["differences"] for row in facts["proof"]),
    }
    return {
        name: float(value) for name, value in known.items() if value is not None and FIGURE_OF[name] not in too_slow
    }


def _days_of(rows: Sequence[Row]) -> set[dt.date]:
    return {
        row["first"] + dt.timedelta(days=n)
        for row in rows
        if row["first"] is not None
        for n in range((row["last"] - row["first"]).days + 1)
    }
