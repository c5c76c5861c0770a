"""Problems and notes, as the facts of a tenant give them, each with reason, days and the command that ends it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Literal, NamedTuple

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.counted import counted
from protime_etl.postgres.health.facts import Facts, Row
from protime_etl.postgres.health.other_forms import SHOWN
from protime_etl.work import RunKind

__all__ = ["RANGES_SHOWN", "Missing", "Problem", "days_in_words", "problems_of"]

LIST_HOURS = 60
"""A list is read every night; until then the next night may yet be under way."""
POLL_HOURS = 24
LIFETIME_HOURS = 72
PROOF_DAYS = 400
"""A day that is proven more seldom than once in a year needs a larger budget."""
RANGES_SHOWN = 3
OF_WRONG = {
    "failed": "not read",
    "unreadable": "cannot be read",
    "withheld": "deletions held back",
    "differs": "not as the tenant has them",
    "older": "older at the tenant than here",
}
"""What a kind of entry is called."""
ACCEPTING = {"withheld": " --accept-deletions", "older": " --accept-older"}
"""The option without which the command changes nothing."""


class Missing(NamedTuple):
    """What a backfill of what is missing reads."""

    first: dt.date
    last: dt.date
    collections: str = ""
    """Empty for those that are read every night."""


@dataclass(frozen=True)
class Problem:
    """One problem or note."""

    level: Literal["error", "warning", "note"]
    kind: str
    """What kind of problem: each has one way to end it."""
    what: str
    why: str = ""
    """The reason: of several failures the first."""
    do: str = ""
    """The command that ends it."""
    since: dt.datetime | None = None
    missing: Missing | None = None
    """The days, if a backfill of what is missing mends it."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        why = f": {self.why.rstrip('.')}" if self.why else ""
        return f"{self.what}{why}{f'; run: {self.do}' if self.do else ''}"

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


def problems_of(
    facts: Facts, collections: Sequence[str], dated: Sequence[str], too_slow: Set[str], why_slow: str = ""
) -> Iterator[Problem]:
    """All of them, from what is known of one tenant and these collections, of which some are `dated`."""
    yield from _of_wrong(facts)
    yield from _of_gaps(facts)
    if not too_slow & {"book", "asked"}:
        yield from _of_promises(facts, dated)
    yield from _of_lists(facts, collections)
    yield from _of_deltas(facts["deltas"])
    yield from _of_runs(facts["runs"])
    yield from _of_proof(facts["proof"])
    yield from _of_the_rest(facts)
    yield from _of_other_forms(facts["other_forms"])
    yield from _of_slowness(too_slow, why_slow)


def days_in_words(first: dt.date, last: dt.date) -> str:
    """A range of days, or the one day."""
    return f"{first}" if first == last else f"{first}..{last}"


def _who(row: Row) -> str:
    """Whose days they are: all people's where it is not known, or is read by days."""
    if row["people"] is None or not COLLECTIONS[row["collection"]].by_people:
        return ""
    named = row["people"] == 1 and row.get("person_id")
    return f": person {named}" if named else f": {row['people']} {'person' if row['people'] == 1 else 'people'}"


def _of_wrong(facts: Facts) -> Iterator[Problem]:
    """What is known not to be as the tenant has it."""
    for row in facts["wrong"]:
        path, first, last = row["collection"], row["first"], row["last"]
        accept = ACCEPTING.get(row["kind"], "")
        if not COLLECTIONS[path].is_dated:
            what = f"{path} {OF_WRONG[row['kind']]}"
            yield Problem("error", row["kind"], what, row["why"], _list_command(facts, path) + accept, row["since"])
            continue
        what = f"{path} {OF_WRONG[row['kind']]}{_who(row)}, {days_in_words(first, last)}"
        missing = None if accept else Missing(first, last, _chosen(path))
        yield Problem(
            "error", row["kind"], what, row["why"], _fill_command(path, first, last) + accept, row["since"], missing
        )


def _of_gaps(facts: Facts) -> Iterator[Problem]:
    """What is due and was never read, by collection."""
    newest = next((row for row in facts["runs"] if RunKind(row["kind"]).is_requested), None)
    for path in sorted({row["collection"] for row in facts["gaps"]}):
        rows = [row for row in facts["gaps"] if row["collection"] == path]
        first, last = min(row["first"] for row in rows), max(row["last"] for row in rows)
        most = max(rows, key=lambda row: row["people"])
        ranges = sorted({(row["first"], row["last"]) for row in rows})
        days = (
            ", ".join(days_in_words(*one) for one in ranges)
            if len(ranges) <= RANGES_SHOWN
            else f"between {first} and {last}"
        )
        what = f"{path} not read{_who(most)}, {days}"
        if newest is not None and newest["status"] in ("running", "waiting") and path in newest["collections"]:
            why = f"run {newest['run_id']} is reading it, {newest['units']} units done"
            yield Problem("warning", "under way", what, why)
            continue
        yield Problem(
            "error",
            "unread",
            what,
            _why_unread(newest, path, ahead=all(row.get("is_ahead") for row in rows)),
            _fill_command(path, first, last),
            missing=Missing(first, last, _chosen(path)),
        )


def _why_unread(newest: Row | None, path: str, *, ahead: bool) -> str:
    if newest is None or path not in newest["collections"] or newest["status"] not in ("failed", "died"):
        if ahead:
            return "no run has read these days to come in the last 36 hours"
        return "no run has read it completely since it was over"
    why = f", {newest['error']}" if newest["error"] else ""
    return f"run {newest['run_id']} {newest['status']}{why}"


def _chosen(path: str) -> str:
    return "" if path == "clockings" else path


def _fill_command(path: str, first: dt.date, last: dt.date) -> str:
    chosen = "" if path == "clockings" else f" --collections {path}"
    return f"protime-etl backfill --from {first} --to {last} --only-missing{chosen}"


def _list_command(facts: Facts, path: str) -> str:
    today = next((row["today"] for row in facts["tenants"]), None)
    return f"protime-etl sync --from {today} --to {today} --collections {path}"


def _of_promises(facts: Facts, dated: Sequence[str]) -> Iterator[Problem]:
    """What is chosen and was never asked for, and days between those that were."""
    # A delta keeps its own collection fresh and no other.
    followed = {row["collection"] for row in facts["deltas"] if row["status"] == "active"}
    asked = {row["collection"] for row in facts["asked"]}
    today = next((row["today"] for row in facts["tenants"]), None)
    firsts = [row["first"] for row in facts["complete"] if row["first"] is not None]
    never = [path for path in dated if path not in asked | followed]
    if never and today is not None:
        first = min(firsts, default=today - dt.timedelta(days=7))
        chosen = "" if never == ["clockings"] else f" --collections {','.join(never)}"
        command = f"protime-etl sync --from {first} --to {today}{chosen}"
        yield Problem("error", "never", f"never read of all people: {', '.join(never)}", do=command)
    for path in dated:
        if ranges := [row for row in facts["not_asked_for"] if row["collection"] == path]:
            days = ", ".join(days_in_words(row["first"], row["last"]) for row in ranges[-RANGES_SHOWN:])
            yield Problem("note", "not asked for", f"{path} not requested: {days}")


def _of_lists(facts: Facts, collections: Sequence[str]) -> Iterator[Problem]:
    """Lists that were never read, or not lately; one that failed is named above."""
    wrong = {row["collection"] for row in facts["wrong"]}
    rows = [
        row
        for row in facts["collections"]
        if row["collection"] in collections and not COLLECTIONS[row["collection"]].is_dated
    ]
    rows = [row for row in rows if row["collection"] not in wrong] if facts["asked"] else []
    if never := [row["collection"] for row in rows if row["last_read"] is None]:
        what = f"never read: {', '.join(never)}"
        yield Problem("error", "list", what, do=_list_command(facts, ",".join(never)))
    if old := [row for row in rows if row["last_read"] is not None and row["hours"] > LIST_HOURS]:
        paths = [row["collection"] for row in old]
        what = f"last read {max(row['hours'] for row in old):.0f} hours ago: {', '.join(paths)}"
        since = min(row["last_read"] for row in old)
        yield Problem("error", "list", what, do=_list_command(facts, ",".join(paths)), since=since)


def _of_runs(runs: Sequence[Row]) -> Iterator[Problem]:
    """The newest run, if it came to a bad end: what it left is reported by days, and its command resumes it."""
    newest = next((row for row in runs if RunKind(row["kind"]).is_requested), None)
    if newest is None or newest["status"] not in ("failed", "died"):
        return
    asked = f"--from {newest['date_from']} --to {newest['date_to']} {newest['options']}".rstrip()
    # The same backfill goes on where it ended; a sync would read all of its range again.
    command = "backfill" if (newest["kind"], newest["started_by"]) == (RunKind.BACKFILL, "cli") else "sync"
    what = f"run {newest['run_id']} {newest['status']}"
    yield Problem("note", "run", what, newest["error"] or "", f"protime-etl {command} {asked}", newest["started_at"])


def _of_deltas(deltas: Sequence[Row]) -> Iterator[Problem]:
    for row in deltas:
        name, since = f"the delta of {row['collection']}", row["requested_at"]
        if row["status"] in ("expired", "conflicted", "broken"):
            why = row["error"] or "the next poll starts a new initial load"
            yield Problem("error", "delta", f"{name} is {row['status']}", why, "protime-etl changes", since)
        elif row["hours_since"] > POLL_HOURS:
            hours = f"{row['hours_since']:.0f} hours ago"
            what = (
                f"{name} was last polled {hours} and expires after {LIFETIME_HOURS}"
                if row["status"] == "active"
                else f"the initial load of {name} was last continued {hours}"
            )
            yield Problem("error", "delta", what, do="protime-etl changes", since=since)
        if row["withheld"]:
            what = f"{name}: {counted(row['withheld'], 'deletion')} held back"
            why = "too many records vanished at once; if they really were deleted"
            yield Problem("error", "delta deletions", what, why, "protime-etl changes --accept-deletions")
        if row["drift"]:
            what = f"{name} missed {counted(row['drift'], 'change')}; later reads repaired them"
            yield Problem("note", "drift", what, do="protime-etl sql 'SELECT * FROM protime.drift'")


def _of_proof(proof: Sequence[Row]) -> Iterator[Problem]:
    for row in proof:
        if row["lately"]:
            what = f"{counted(row['lately'], 'record')} of {row['collection']} differed in the last 7 days"
            yield Problem(
                "note",
                "differed",
                f"{what}, where no reading was due to bring them",
                do="protime-etl sql 'SELECT * FROM protime.proof WHERE differences > 0'",
                since=row["last_found_at"],
            )
        if row["oldest_days"] is not None and row["oldest_days"] > PROOF_DAYS:
            what = f"the oldest proof of {row['collection']} is {row['oldest_days']:.0f} days old"
            why = "a larger PROTIME_PROOF_REQUESTS proves days more often"
            yield Problem("note", "proof", what, why, since=row["oldest"])


def _of_the_rest(facts: Facts) -> Iterator[Problem]:
    for row in facts["pauses"]:
        what = f"the API asked us to wait (Retry-After) {row['seconds']} more seconds, until {row['until']:%H:%M:%S%z}"
        yield Problem("note", "pause", what, do="protime-etl resume")
    for row in facts["tenants"]:
        if row["rejected"]:
            what = f"{counted(row['rejected'], 'rejected record')}"
            yield Problem("note", "rejected", what, do="protime-etl sql 'SELECT * FROM protime_etl.rejected_record'")


def _of_other_forms(rows: Sequence[Row]) -> Iterator[Problem]:
    """Documented fields that cannot be read: their columns are null, which nothing else would show."""
    for row in rows:
        path, field = row["collection"], row["field"]
        records = f"{counted(row['records'], 'record')}{' or more' if row['or_more'] else ''}"
        what = f"{path}: {field} of {records} is not as documented and is null"
        query = SHOWN.format(table=COLLECTIONS[path].table)
        yield Problem("note", "other form", what, f"it is {row['example']}", f'protime-etl sql "{query}"')


def _of_slowness(too_slow: Set[str], why: str) -> Iterator[Problem]:
    if why:
        what = f"PostgreSQL cannot calculate with a value that is stored here; not known: {', '.join(sorted(too_slow))}"
        yield Problem("error", "impossible value", what, why)
    elif too_slow:
        what = f"the warehouse took too long to answer: {', '.join(sorted(too_slow))}"
        yield Problem("note", "slow", what, do="protime-etl status")
