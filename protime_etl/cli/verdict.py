"""Whether all is well with a tenant, in one line: what `protime-etl status` says first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from protime_etl.cli.counted import counted
from protime_etl.collections.people import PEOPLE
from protime_etl.sync.backfill import ORIGIN

__all__ = ["Verdict", "judge"]

Row = Mapping[str, Any]
FRESH_HOURS = 36
"""A reading of every night is never older than this when its successor ends."""
TURN_HOURS = 24
LIFETIME_HOURS = 72


@dataclass(frozen=True)
class Verdict:
    """What there is to say of a tenant."""

    tenant: str
    last_complete: str | None
    """When the last reading of all people ended, in the tenant's time zone."""
    hours: float | None
    """How long ago that is."""
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing needs a look."""
        return not self.problems

    @property
    def lines(self) -> list[str]:
        """One line, or one for each problem."""
        read = "never completely read"
        if self.hours is not None:
            read = f"last complete {self.last_complete} ({self.hours:.0f} h ago)"
        if self.ok:
            return [f"{self.tenant}: OK - {read}"]
        return [f"{self.tenant}: NOT COMPLETE - {read}", *(f"  {problem}" for problem in self.problems)]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "tenant": self.tenant,
            "ok": self.ok,
            "last_complete": self.last_complete,
            "hours": self.hours,
            "problems": self.problems,
        }


def judge(tenant: str, found: Mapping[str, Sequence[Row]], dated: Sequence[str]) -> Verdict:
    """Judge a tenant by what the warehouse says of itself, by the names of `status`, and of these dated collections."""

    def of(name: str) -> list[Row]:
        return [row for row in found[name] if row["tenant"] == tenant]

    # The least complete of them says how complete the whole is.
    completes = {row["collection"]: row for row in of("complete")}
    followed = {row["collection"] for row in of("deltas") if row["status"] == "active"}
    never = sorted({*dated} - completes.keys())
    complete = None if never else min(completes.values(), key=lambda row: row["at"], default=None)
    verdict = Verdict(
        tenant,
        f"{complete['at']:%Y-%m-%d %H:%M}" if complete else None,
        float(complete["hours"]) if complete else None,
    )
    problems = verdict.problems
    if left := of("not_read"):
        first, last = min(row["date_from"] for row in left), max(row["date_to"] for row in left)
        paths = sorted({row["collection"] for row in left})
        chosen = "" if paths == ["clockings"] else f" --collections {','.join(paths)}"
        who = counted(len(left), "unit")
        if len(left) == 1:
            people = left[0]["people"].strip("{}")
            who = "all people" if people == "all" else f"people {people}"
        problems.append(
            f"not read: {who}, {first}..{last};"
            f" repeat: protime-etl backfill --from {first} --to {last} --only-missing{chosen}"
        )
    newest = next(iter(of("runs")), None)
    if newest is not None and newest["status"] in ("failed", "died"):
        asked = f"--from {newest['date_from']} --to {newest['date_to']} {newest['options']}".rstrip()
        why = f": {newest['error'].rstrip('.')}" if newest["error"] else ""
        # The same backfill goes on where it ended; a sync would read all of its range again.
        command = "backfill" if newest["origin"] == ORIGIN else "sync"
        problems.append(f"run {newest['run_id']} {newest['status']}{why}; repeat: protime-etl {command} {asked}")
    problems += _of_deltas(of("deltas"))
    under_way = newest is not None and newest["status"] in ("running", "waiting")
    # A delta keeps its own collection fresh and no other.
    if (unread := [path for path in never if path not in followed]) and not under_way:
        of_what = f" of {', '.join(unread)}" if completes or followed else ""
        problems.append(f"nobody has read everybody{of_what} yet: protime-etl sync --from DATE --to DATE")
    old = {path: row["hours"] for path, row in completes.items() if path not in followed and row["hours"] > FRESH_HOURS}
    if old:
        of_what = f" of {', '.join(sorted(old))}" if len(dated) > 1 else ""
        problems.append(f"the last complete reading{of_what} is {max(old.values()):.0f} h old")
    lists = [row["collection"] for row in of("collections") if row["last_read"] is None]
    if unread_lists := [path for path in lists if path not in dated and path != PEOPLE.path]:
        problems.append(f"never read: {', '.join(unread_lists)}; protime-etl check says whether they may be")
    return verdict


def _of_deltas(deltas: Sequence[Row]) -> list[str]:
    problems = []
    for row in deltas:
        name = f"the delta of {row['collection']}"
        if row["status"] in ("expired", "conflicted", "broken"):
            problems.append(f"{name} is {row['status']}; the next turn loads it anew: protime-etl changes")
        elif row["status"] == "active" and row["hours_since"] > TURN_HOURS:
            problems.append(
                f"{name} had its last turn {row['hours_since']:.0f} h ago and ends after {LIFETIME_HOURS} h:"
                " protime-etl changes"
            )
        if row["withheld"]:
            problems.append(
                f"{name}: {counted(row['withheld'], 'deletion')} at once, none is marked; if they are right:"
                " protime-etl changes --accept-deletions"
            )
    return problems
