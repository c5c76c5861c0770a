"""Whether all is well with a tenant: one answer for the command line, for alarms, for Airflow's assets and for metrics.

Each thing that there is to say has a level and what to do about it. `error` and `warning` need a look, a `note` is told
and needs none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from protime_etl.collections.people import PEOPLE
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.counted import counted
from protime_etl.postgres.facts import Facts, Row, read_facts
from protime_etl.work import BACKFILL_ORIGIN, EVERYONE

__all__ = ["Health", "Missing", "Problem", "is_about", "judge", "read_health"]

PATIENCE = "10s"
BESIDES = (" repair", " unlisted")
FRESH_HOURS = 36
"""A reading of every night is never older than this when its successor ends."""
TURN_HOURS = 24
LIFETIME_HOURS = 72
PROOF_DAYS = 400
"""A day that is proven more seldom than once in a year needs a larger budget."""
SEVERITY = {"error": 0, "warning": 1, "note": 2}
DECISIVE = frozenset({"runs", "not_read", "deltas", "complete", "collections"})
"""Facts without which nobody knows whether all is well."""
FIGURE_OF = {
    "complete_age_seconds": "complete",
    "delta_age_seconds": "deltas",
    "paused_seconds": "pauses",
    "failed_units": "not_read",
    "holes_days": "holes",
    "rejected_records": "tenants",
    "drift_records": "deltas",
    "unproven_days": "proof",
    "proof_age_days": "proof",
    "differences": "proof",
}
"""The fact that each figure rests on."""


class Missing(NamedTuple):
    """What a backfill of what is missing reads."""

    first: dt.date
    last: dt.date
    collections: str = ""
    """Empty for those that are read every night."""


@dataclass(frozen=True)
class Problem:
    """One thing that there is to say."""

    level: Literal["error", "warning", "note"]
    what: str
    do: str = ""
    """The command that mends it."""
    since: dt.datetime | None = None
    again: bool = False
    """Whether the command does again what failed."""
    missing: Missing | None = None
    """The days, if a backfill of what is missing mends it."""
    kind: str = ""
    """What sort of problem it is, in a word."""
    why: str = ""
    """The reason of the first failure."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        what = f"{self.what}: {self.why.rstrip('.')}" if self.why else self.what
        if not self.do:
            return what
        return f"{what}{'; repeat: ' if self.again else ' - ' if self.why else ': '}{self.do}"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "level": self.level,
            "kind": self.kind,
            "what": self.what,
            "why": self.why,
            "do": self.do,
            "since": None if self.since is None else self.since.isoformat(),
        }


@dataclass(frozen=True)
class Health:
    """What there is to say of a tenant."""

    tenant: str
    last_complete: str | None
    """When the last reading of all people ended, in the tenant's time zone."""
    hours: float | None
    """How long ago that is."""
    found: list[Problem] = field(default_factory=list)
    """The worst first."""
    figures: dict[str, float] = field(default_factory=dict)
    """What can be measured, by name; those that are not known are left out."""
    too_slow: frozenset[str] = frozenset()
    """Facts that could not be told in time, so that nobody knows."""

    @property
    def problems(self) -> list[Problem]:
        """What needs a look."""
        return [one for one in self.found if one.level != "note"]

    @property
    def ok(self) -> bool:
        """Whether nothing needs a look, as far as all is known that tells."""
        return not self.problems and not self.too_slow & DECISIVE

    @property
    def headline(self) -> str:
        """The whole in one line."""
        read = "never completely read"
        if self.hours is not None:
            read = f"last complete {self.last_complete} ({self.hours:.0f} h ago)"
        if self.hours is None and "complete" in self.too_slow:
            read = "the warehouse is too slow to tell when it was read"
        verdict = "OK" if self.ok else "NOT COMPLETE" if self.problems else "NOT KNOWN"
        return f"{self.tenant}: {verdict} - {read}"

    @property
    def lines(self) -> list[str]:
        """One line, and one for each thing that there is to say."""
        notes = [f"  note: {one.line}" for one in self.found if one.level == "note"]
        return [self.headline, *(f"  {one.line}" for one in self.problems), *notes]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "tenant": self.tenant,
            "ok": self.ok,
            "last_complete": self.last_complete,
            "hours": self.hours,
            "problems": [one.line for one in self.problems],
            "found": [one.as_dict() for one in self.found],
            "figures": self.figures,
        }


def read_health(connection: Connection, tenant: str, collections: Sequence[str]) -> Health:
    """Ask the warehouse, and judge; for those who cannot wait, as what tells of failures.

    Raises:
        sqlalchemy.exc.OperationalError: it does not answer within a few seconds.
    """
    connection.execute(sa.text("SELECT set_config('statement_timeout', :patience, true)"), {"patience": PATIENCE})
    return judge(tenant, read_facts(connection, collections), collections)


def judge(tenant: str, facts: Facts, collections: Sequence[str]) -> Health:
    """Judge a tenant by the facts about it and these collections."""
    too_slow = frozenset(str(row["fact"]) for row in facts.get("too_slow", ()))
    of_tenant = {name: [row for row in rows if is_about(row, tenant, collections)] for name, rows in facts.items()}
    dated = [path for path in collections if COLLECTIONS[path].is_dated]
    completes = {row["collection"]: row for row in of_tenant["complete"]}
    # The least complete of them says how complete the whole is.
    never = {*dated} - completes.keys()
    complete = None if never else min(completes.values(), key=lambda row: row["at"], default=None)
    # What was not read is one problem, and the reason why a run failed and why a reading is old.
    failing = {row["collection"] for row in of_tenant["not_read"]}
    unread = [path for path in dated if path not in failing]
    others = {path: row for path, row in completes.items() if path not in failing}
    found = [
        *_of_units(of_tenant["not_read"]),
        *(() if failing else _of_runs(of_tenant["runs"])),
        *_of_deltas(of_tenant["deltas"]),
        *(_of_freshness(of_tenant, unread, others) if not too_slow & {"complete", "runs"} else ()),
        *_of_proof(of_tenant["proof"]),
        *_of_the_rest(of_tenant),
        *_of_slowness(too_slow),
    ]
    return Health(
        tenant,
        f"{complete['at']:%Y-%m-%d %H:%M}" if complete else None,
        float(complete["hours"]) if complete else None,
        sorted(found, key=lambda one: SEVERITY[one.level]),
        _figures(of_tenant, float(complete["hours"]) if complete else None, too_slow),
        too_slow,
    )


def is_about(row: Row, tenant: str, collections: Sequence[str]) -> bool:
    """Whether it is of this tenant, and of these collections if it is of any."""
    of = row.get("collections", [row["collection"]] if "collection" in row else collections)
    return row.get("tenant") == tenant and not {*of}.isdisjoint(collections)


def _of_units(left: Sequence[Row]) -> Iterator[Problem]:
    """What failed and was not read since."""
    if not left:
        return
    first, last = min(row["date_from"] for row in left), max(row["date_to"] for row in left)
    paths = sorted({row["collection"] for row in left})
    chosen = "" if paths == ["clockings"] else f" --collections {','.join(paths)}"
    ids = {person_id for row in left for person_id in row["ids"]}
    who = f"{len(ids)} people" if ids else counted(len(left), "unit")
    if EVERYONE in ids:
        who = "all people"
    elif len(ids) == 1:
        who = f"person {ids.pop()}"
    yield Problem(
        "error",
        f"{', '.join(paths)} not read: {who}, {first}..{last}",
        f"protime-etl backfill --from {first} --to {last} --only-missing{chosen}",
        min(row["failed_at"] for row in left),
        again=True,
        missing=Missing(first, last, "" if paths == ["clockings"] else ",".join(paths)),
        kind="not_read",
        why=left[-1]["error"] or "",
    )


def _of_runs(runs: Sequence[Row]) -> Iterator[Problem]:
    """The newest run, and the newest repair of what a comparison found, if they came to a bad end."""
    besides = [row for row in runs if row["origin"].endswith(BESIDES)]
    for newest in (next((row for row in runs if row not in besides), None), next(iter(besides), None)):
        if newest is not None and newest["status"] in ("failed", "died"):
            yield _of_run(newest)


def _of_run(run: Row) -> Problem:
    asked = f"--from {run['date_from']} --to {run['date_to']} {run['options']}".rstrip()
    why = f": {run['error'].rstrip('.')}" if run["error"] else ""
    # The same backfill goes on where it ended; a sync would read all of its range again.
    command = "backfill" if run["origin"] == BACKFILL_ORIGIN else "sync"
    return Problem(
        "error",
        f"run {run['run_id']} {run['status']}{why}",
        f"protime-etl {command} {asked}",
        run["started_at"],
        again=True,
    )


def _of_deltas(deltas: Sequence[Row]) -> Iterator[Problem]:
    for row in deltas:
        name, since = f"the delta of {row['collection']}", row["requested_at"]
        if row["status"] in ("expired", "conflicted", "broken"):
            yield Problem(
                "error", f"{name} is {row['status']}; the next turn loads it anew", "protime-etl changes", since
            )
        elif row["status"] == "active" and row["hours_since"] > TURN_HOURS:
            told = f"{name} had its last turn {row['hours_since']:.0f} h ago and ends after {LIFETIME_HOURS} h"
            yield Problem("error", told, "protime-etl changes", since)
        if row["withheld"]:
            yield Problem(
                "warning",
                f"{name}: {counted(row['withheld'], 'deletion')} at once, none is marked; if they are right",
                "protime-etl changes --accept-deletions",
            )
        if row["drift"]:
            told = f"{name} did not tell {counted(row['drift'], 'record')} that pulls had to write"
            yield Problem("note", told, "protime-etl sql 'SELECT * FROM protime.drift'")


def _of_freshness(facts: Facts, dated: Sequence[str], completes: dict[str, Row]) -> Iterator[Problem]:
    newest = next(iter(facts["runs"]), None)
    under_way = newest is not None and newest["status"] in ("running", "waiting")
    # A delta keeps its own collection fresh and no other.
    followed = {row["collection"] for row in facts["deltas"] if row["status"] == "active"}
    never = sorted({*dated} - completes.keys())
    if (unread := [path for path in never if path not in followed]) and not under_way:
        of_what = f" of {', '.join(unread)}" if completes or followed else ""
        yield Problem("error", f"nobody has read everybody{of_what} yet", "protime-etl sync --from DATE --to DATE")
    old = {path: row for path, row in completes.items() if path not in followed and row["hours"] > FRESH_HOURS}
    if old:
        of_what = f" of {', '.join(sorted(old))}" if len(dated) > 1 else ""
        hours = max(row["hours"] for row in old.values())
        since = min(row["finished_at"] for row in old.values())
        yield Problem("error", f"the last complete reading{of_what} is {hours:.0f} h old", since=since)
    lists = [row["collection"] for row in facts["collections"] if row["last_read"] is None]
    if unread_lists := [path for path in lists if path not in dated and path != PEOPLE.path]:
        told = f"never read: {', '.join(unread_lists)}; protime-etl check says whether they may be"
        yield Problem("warning", told)


def _of_proof(proof: Sequence[Row]) -> Iterator[Problem]:
    for row in proof:
        if row["lately"]:
            told = f"{counted(row['lately'], 'record')} of {row['collection']} differed in the last 7 days"
            yield Problem(
                "note",
                f"{told}, where no reading was due to bring them",
                "protime-etl sql 'SELECT * FROM protime.proof WHERE differences > 0'",
                row["last_found_at"],
            )
        if row["oldest_days"] is not None and row["oldest_days"] > PROOF_DAYS:
            told = f"the oldest proof of {row['collection']} is {row['oldest_days']:.0f} days old"
            yield Problem("note", f"{told}; a larger PROTIME_PROOF_REQUESTS makes it younger", since=row["oldest"])


def _of_the_rest(facts: Facts) -> Iterator[Problem]:
    for row in facts["pauses"]:
        told = f"the API asks everybody to wait for {row['seconds']} more seconds, until {row['until']:%H:%M:%S%z}"
        yield Problem("note", told, "protime-etl resume")
    for row in facts["tenants"]:
        if row["rejected"]:
            told = f"{counted(row['rejected'], 'record')} could not be understood and are kept aside"
            yield Problem("note", told, "protime-etl sql 'SELECT * FROM protime_etl.rejected_record'")
    for row in facts["holes"]:
        told = f"{counted(row['days'], 'day')} not read for everybody, {row['first']}..{row['last']}"
        command = f"protime-etl backfill --from {row['first']} --to {row['last']} --only-missing"
        yield Problem("note", told, command, missing=Missing(row["first"], row["last"]))


def _of_slowness(too_slow: Set[str]) -> Iterator[Problem]:
    if too_slow:
        told = f"the warehouse took too long to tell: {', '.join(sorted(too_slow))}"
        yield Problem("note", f"{told}; this waits longer", "protime-etl status")


def _figures(facts: Facts, hours: float | None, too_slow: Set[str]) -> dict[str, float]:
    """What can be measured, in base units."""
    asked = [row["hours_since"] * 3600 for row in facts["deltas"] if row["requested_at"]]
    known: dict[str, float | None] = {
        "complete_age_seconds": None if hours is None else hours * 3600,
        "delta_age_seconds": max(asked, default=None),
        "paused_seconds": max((row["seconds"] for row in facts["pauses"]), default=0),
        "failed_units": len(facts["not_read"]),
        "holes_days": sum(row["days"] for row in facts["holes"]),
        "rejected_records": sum(row["rejected"] for row in facts["tenants"]),
        "drift_records": sum(row["drift"] for row in facts["deltas"]),
        "unproven_days": sum(row["days"] - row["proven"] for row in facts["proof"]),
        "proof_age_days": max((row["oldest_days"] for row in facts["proof"] if row["oldest"]), default=None),
        "differences": sum(row["differences"] for row in facts["proof"]),
    }
    return {
        name: float(value) for name, value in known.items() if value is not None and FIGURE_OF[name] not in too_slow
    }
