"""For each option of each command, a run with it and one without it, and the difference that its help promises."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from protime_etl import __version__
from protime_etl.errors import ProtimeError
from protime_etl.simulator.record_index import circle_of
from tests.every_option import completion, others
from tests.every_option.house import FIRST, Done, House, OptionRow
from tests.support.tenant import TODAY

WEEK = ("--from", str(FIRST), "--to", str(TODAY))
DAY = ("--from", str(TODAY), "--to", str(TODAY))
PEOPLE_READ = "SELECT count(DISTINCT person_id) FROM protime.clockings"
FIRST_READ = "SELECT min(date) FROM protime.clockings"
LAST_READ = "SELECT max(date) FROM protime.clockings"


def debug(house: House) -> None:
    plain = house.run("check", timezone="Brussels")
    assert len(plain.err.splitlines()) == 1
    with pytest.raises(ProtimeError):  # the interpreter shows its traceback
        house.run("--debug", "check", timezone="Brussels")


def version(house: House) -> None:
    assert house.run("--version").out.startswith(f"protime-etl {__version__}\n")
    assert __version__ not in house.run("--help").out


def quiet(house: House) -> None:
    assert "unit 1/1" in house.run("sync", *DAY).err
    silent = house.run("sync", *DAY, "--quiet")
    assert (silent.ok, silent.err, "read in" in silent.out) == (True, "", True)


def verbose(house: House) -> None:
    assert "status 200" not in house.run("sync", *DAY).err
    assert "clockings: status 200, " in house.run("--verbose", "sync", *DAY).err


def as_json(house: House, *command: str) -> None:
    plain = house.run(*command)
    assert plain.status in (0, 3), plain.text
    assert not plain.out.splitlines()[-1:] or not plain.out.splitlines()[-1].startswith("{")
    done = house.run(*command, "--json")
    assert done.status == plain.status
    assert isinstance(done.json, dict)


# What names days and people, of every command that reads


def first_day(house: House, command: str) -> None:
    assert house.run(command, *WEEK).select(FIRST_READ) == FIRST
    assert house.run(command, *DAY).select(FIRST_READ) == TODAY


def last_day(house: House, command: str) -> None:
    assert house.run(command, *WEEK).select(LAST_READ) == TODAY
    assert house.run(command, "--from", str(FIRST), "--to", str(FIRST)).select(LAST_READ) == FIRST


def people(house: House, command: str) -> None:
    assert house.run(command, *WEEK).select(PEOPLE_READ) == 6
    assert house.run(command, *WEEK, "--people", "100001,100002").select(PEOPLE_READ) == 2


def collections(house: House, command: str) -> None:
    totals = "SELECT count(*) FROM protime.calculated_totals"
    usual = house.run(command, *WEEK)
    assert (usual.clockings > 0, usual.select(totals)) == (True, 0)
    chosen = house.run(command, *WEEK, "--collections", "people,calculated-totals")
    assert chosen.ok, chosen.text
    assert (chosen.clockings, chosen.select(totals) > 0) == (0, True)
    wrong = house.run(command, *WEEK, "--collections", "absense")
    assert (wrong.status, "--collections: there is no collection 'absense'" in wrong.err) == (2, True)


def circles(house: House, command: str) -> None:
    circle = circle_of(100_001)
    done = house.run(command, *WEEK, "--circles", str(circle))
    assert done.select(PEOPLE_READ) == 1
    assert done.select("SELECT min(person_id) FROM protime.clockings") == 100_001


def workers(house: House, command: str) -> None:
    """Two read at once where there are two units: the second is asked for before the first is answered."""
    at_once: list[int] = []
    for number in ("1", "2"):
        slow = house.tenant(latency=0.3, page_size=1000)
        done = house.run(command, "--from", "2024-01-01", "--to", str(TODAY), "--workers", number, at=slow)
        assert done.ok, done.text
        moments = slow.served.moments
        at_once.append(sum(after - before < 0.25 for before, after in pairwise(moments)))
    assert at_once[0] < at_once[1], at_once


def accept_deletions(house: House, *command: str) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *WEEK, warehouse=warehouse).ok
    for one in house.simulated.tenant.truth():
        house.simulated.tenant.hard_delete(one.id)
    withheld = house.run(*command, warehouse=warehouse)
    assert withheld.status == 3, withheld.text
    assert withheld.clockings > 0
    accepted = house.run(*command, "--accept-deletions", warehouse=warehouse)
    assert accepted.clockings == 0, accepted.text


def accept_older(house: House, *command: str) -> None:
    tenant, warehouse = house.tenant(), house.warehouse()
    assert house.run("sync", *WEEK, at=tenant, warehouse=warehouse).ok
    tenant.tenant.restore(tenant.tenant.backup(), 1_000_000)
    newest = "SELECT max(change_version) FROM protime.clockings WHERE tenant <> 'shadow'"
    kept = house.run(*command, at=tenant, warehouse=warehouse)
    assert (kept.status, "--accept-older" in kept.text) == (3, True), kept.text
    before = kept.select(newest)
    accepted = house.run(*command, "--accept-older", at=tenant, warehouse=warehouse)
    assert accepted.status == 0, accepted.text
    assert accepted.select(newest) < before


# backfill


def only_missing(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("backfill", *WEEK, "--json", warehouse=warehouse).json["units"] > 0
    assert house.run("backfill", *WEEK, "--fresh", "--json", warehouse=warehouse).json["units"] > 0
    assert house.run("backfill", *WEEK, "--only-missing", "--json", warehouse=warehouse).json["units"] == 0


def dry_run(house: House) -> None:
    done = house.run("backfill", *WEEK, "--dry-run", "--json")
    assert done.json["units"] > 0
    assert done.clockings == 0
    assert house.run("backfill", *WEEK).clockings > 0


def fresh(house: House) -> None:
    warehouse = house.warehouse()
    failing = house.tenant(fault='on = ["clockings"]\nkind = "status"\nstatus = 403\nrate = 1.0')
    assert house.run("backfill", *WEEK, warehouse=warehouse, at=failing).status == 1
    again = ("backfill", *WEEK, "--dry-run")
    assert "This resumes run" in house.run(*again, warehouse=warehouse).out
    assert "This resumes run" not in house.run(*again, "--fresh", warehouse=warehouse).out


# changes


def changes_from(house: House) -> None:
    assert house.run("changes").select(FIRST_READ) == FIRST
    assert house.run("changes", "--from", str(TODAY)).select(FIRST_READ) == TODAY


def restart(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("changes", "--json", warehouse=warehouse).json["initial"]
    assert not house.run("changes", "--json", warehouse=warehouse).json["initial"]
    assert house.run("changes", "--restart", "--json", warehouse=warehouse).json["restarted"] == "asked"


def changes_accept_deletions(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("changes", warehouse=warehouse).ok
    for one in house.simulated.tenant.truth():
        house.simulated.tenant.hard_delete(one.id)
    withheld = house.run("changes", "--restart", warehouse=warehouse)
    assert withheld.status == 3, withheld.text
    assert withheld.clockings > 0
    assert house.run("changes", "--restart", "--accept-deletions", warehouse=warehouse).clockings == 0


# verify


def _compared(house: House, *arguments: str) -> int:
    """Records that a comparison of an empty table finds missing."""
    done = house.run("verify", *arguments, "--json")
    assert done.status == 3
    return int(done.json["missing"])


def verify_from(house: House) -> None:
    assert _compared(house, *WEEK) > _compared(house, *DAY) > 0


def verify_to(house: House) -> None:
    assert _compared(house, *WEEK) > _compared(house, "--from", str(FIRST), "--to", str(FIRST)) > 0


def verify_people(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *DAY, warehouse=warehouse).ok
    all_of_them = house.run("verify", *WEEK, "--json", warehouse=warehouse).json["missing"]
    one = house.run("verify", *WEEK, "--people", "100001", "--json", warehouse=warehouse).json["missing"]
    assert 0 < one < all_of_them


def verify_collections(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *DAY, warehouse=warehouse).ok
    alone = house.run("verify", *DAY, "--collections", "clockings", "--json", warehouse=warehouse)
    assert (alone.status, list(alone.json["collections"])) == (0, ["clockings"])
    totals = house.run("verify", *DAY, "--collections", "calculated-totals", "--json", warehouse=warehouse)
    assert (totals.status, totals.json["missing"] > 0) == (3, True)


def explore(house: House) -> None:
    asked = house.run("check", "--explore", "--json").json["explore"]
    assert len(asked) == 7
    assert "explore" not in house.run("check", "--json").json


def status_collections(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *DAY, warehouse=warehouse).ok
    assert list(rows_here(house.run("status", "--json", warehouse=warehouse))) == ["clockings", "people"]
    totals = house.run("status", "--collections", "calculated-totals", "--json", warehouse=warehouse)
    assert (totals.status, rows_here(totals)) == (3, {"calculated-totals": 0})
    assert house.run("sync", *DAY, "--collections", "calculated-totals", warehouse=warehouse).ok
    read = house.run("status", "--collections", "calculated-totals", "--json", warehouse=warehouse)
    assert (read.status, rows_here(read)["calculated-totals"] > 0) == (0, True)


def rows_here(status: Done) -> dict[str, int]:
    return {row["collection"]: row["rows"] for row in status.json["collections"]}


def repair(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *WEEK, warehouse=warehouse).ok
    gone = house.simulated.tenant.truth()[0]
    house.simulated.tenant.hard_delete(gone.id)
    live = f"SELECT count(*) FROM protime.clockings WHERE id = {gone.id} AND deleted_at IS NULL"
    seen = house.run("verify", *WEEK, warehouse=warehouse)
    assert (seen.status, seen.select(live)) == (3, 1)
    done = house.run("verify", *WEEK, "--repair", warehouse=warehouse)
    assert (done.status, done.select(live)) == (0, 0)


def _reading(command: str) -> dict[str, OptionRow]:
    return {
        f"{command} --from": partial(first_day, command=command),
        f"{command} --to": partial(last_day, command=command),
        f"{command} --people": partial(people, command=command),
        f"{command} --circles": partial(circles, command=command),
        f"{command} --collections": partial(collections, command=command),
        f"{command} --workers": partial(workers, command=command),
    }


def _json(*command: str, name: str | None = None) -> dict[str, OptionRow]:
    return {f"{name or command[0]} --json": lambda house: as_json(house, *command)}


# prove


COMPARED = "SELECT coalesce(sum(requests), 0)::int FROM protime_etl.verifications"


def prove_requests(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *WEEK, warehouse=warehouse).ok
    assert house.run("prove", "--requests", "1", warehouse=warehouse).select(COMPARED) == 1
    requests_that_are_too_few(house)
    assert house.run("prove", warehouse=warehouse).select(COMPARED) > 2


def requests_that_are_too_few(house: House) -> None:
    tenant, warehouse = house.tenant(), house.warehouse()
    assert house.run("sync", *WEEK, at=tenant, warehouse=warehouse).ok
    for one in tenant.tenant.truth():
        tenant.tenant.hard_delete(one.id)
    spent = house.run("prove", "--requests", "20", at=tenant, warehouse=warehouse, max_vanished="1000")
    assert (spent.status, "all requests are used up: the next proof continues" in spent.text) == (3, True), spent.text
    assert "no day" not in spent.text


def prove_collections(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *WEEK, "--collections", "clockings,people,calculated-totals", warehouse=warehouse).ok
    assert "calculated-totals" not in house.run("prove", warehouse=warehouse).out
    nothing_to_prove(house)
    chosen = house.run("prove", "--collections", "calculated-totals", warehouse=warehouse)
    assert "calculated-totals, " in chosen.out


def nothing_to_prove(house: House) -> None:
    lists = house.run("prove", "--collections", "people")
    assert (lists.status, "None of the chosen collections has days" in lists.text) == (2, True)
    off = house.run("prove", proof_requests="0")
    assert (off.status, "PROTIME_PROOF_REQUESTS is 0: nothing is compared" in off.text) == (0, True)


def prove_accept_deletions(house: House) -> None:
    tenant = house.tenant()
    first, second = house.warehouse(), house.warehouse()
    for warehouse in (first, second):
        assert house.run("sync", *WEEK, at=tenant, warehouse=warehouse).ok
    for one in tenant.tenant.truth():
        tenant.tenant.hard_delete(one.id)
    withheld = house.run("prove", "--requests", "200", at=tenant, warehouse=first, max_vanished="1")
    assert withheld.status == 3, withheld.text
    assert withheld.clockings > 0
    accepted = house.run(
        "prove", "--requests", "200", "--accept-deletions", at=tenant, warehouse=second, max_vanished="1"
    )
    assert (accepted.status, accepted.clockings) == (0, 0)


ROWS: dict[str, OptionRow] = {
    "--debug": debug,
    "--version": version,
    "--quiet": quiet,
    "--verbose": verbose,
    **_json("check"),
    **_json("db", "upgrade", name="db upgrade"),
    **_json("sync", *DAY),
    **_json("backfill", *DAY),
    **_json("changes"),
    **_json("verify", *DAY),
    **_json("prove"),
    "prove --requests": prove_requests,
    "prove --collections": prove_collections,
    "prove --accept-deletions": prove_accept_deletions,
    **_json("status"),
    **_json("due"),
    **_json("resume"),
    **_reading("sync"),
    **_reading("backfill"),
    "sync --accept-deletions": lambda house: accept_deletions(house, "sync", *WEEK),
    "backfill --accept-deletions": lambda house: accept_deletions(house, "backfill", *WEEK, "--fresh"),
    "verify --accept-deletions": lambda house: accept_deletions(house, "verify", *WEEK, "--repair"),
    "sync --accept-older": lambda house: accept_older(house, "sync", *WEEK),
    "backfill --accept-older": lambda house: accept_older(house, "backfill", *WEEK, "--fresh"),
    "verify --accept-older": lambda house: accept_older(house, "verify", *WEEK, "--repair"),
    "backfill --only-missing": only_missing,
    "backfill --dry-run": dry_run,
    "backfill --fresh": fresh,
    "changes --from": changes_from,
    "changes --restart": restart,
    "verify --from": verify_from,
    "verify --to": verify_to,
    "verify --people": verify_people,
    "verify --collections": verify_collections,
    "check --explore": explore,
    "status --collections": status_collections,
    "verify --repair": repair,
    "changes --accept-deletions": changes_accept_deletions,
    **completion.ROWS,
    **others.ROWS,
}
