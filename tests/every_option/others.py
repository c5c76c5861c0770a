"""Rows of the commands that read no clockings from the tenant: `resume`, `forget`, `db`, `sql`, `init` and others."""

from __future__ import annotations

import datetime as dt
import json

from sqlalchemy.engine import URL

from protime_etl import __version__
from tests.every_option.house import FIRST, House, OptionRow
from tests.support.tenant import TODAY

ONE_DAY = dt.timedelta(days=1)
DAY = ("--from", str(TODAY), "--to", str(TODAY))


def yes(house: House) -> None:
    fault = 'on = ["people"]\nkind = "status"\nstatus = 429\nretry_after = 3600\ncount = 1'
    warehouse = house.warehouse()
    assert house.run("sync", *DAY, warehouse=warehouse, at=house.tenant(fault=fault)).status == 1
    pauses = "SELECT count(*) FROM protime_etl.pauses WHERE until > now() + interval '1 minute'"
    unasked = house.run("resume", warehouse=warehouse)
    assert (unasked.status, unasked.select(pauses)) == (2, 1)
    lifted = house.run("resume", "--yes", warehouse=warehouse)
    assert (lifted.status, lifted.select(pauses)) == (0, 0)


WEEK = ("--from", str(FIRST), "--to", str(TODAY))


def due(house: House) -> None:
    """Both days are given up, and those around them are due still."""
    warehouse = house.warehouse()
    assert house.run("sync", *WEEK, "--collections", "clockings,calculated-totals,people", warehouse=warehouse).ok
    assert house.run("due", "--give-up", warehouse=warehouse).status == 2
    assert house.run("due", "--from", str(FIRST), warehouse=warehouse).status == 2
    assert house.run("due", "--to", str(FIRST), warehouse=warehouse).status == 2
    some = ("due", "--from", str(FIRST + ONE_DAY), "--to", str(FIRST + 2 * ONE_DAY))
    assert house.run(*some, warehouse=warehouse).status == 2
    assert house.run(*some, "--give-up", "--tenant", "another", warehouse=warehouse).status == 0
    assert _due_days(house, warehouse, "clockings")[0] == (str(FIRST), str(TODAY))
    assert house.run(*some, "--give-up", "--collections", "clockings", warehouse=warehouse).status == 0
    left = _due_days(house, warehouse, "clockings")
    assert left[:2] == [(str(FIRST), str(FIRST)), (str(FIRST + 3 * ONE_DAY), str(TODAY))]
    assert _due_days(house, warehouse, "calculated-totals")[0] == (str(FIRST), str(TODAY))


def _due_days(house: House, warehouse: URL, collection: str) -> list[tuple[str, str]]:
    shown = house.run("due", "--collections", collection, "--json", warehouse=warehouse).json["due"]
    return [(one["date_from"], one["date_to"]) for one in shown]


def forget_tenant(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *DAY, warehouse=warehouse).clockings > 0
    assert house.run("forget", "another", "--yes", warehouse=warehouse).clockings > 0
    assert house.run("forget", "simulated", "--yes", warehouse=warehouse).clockings == 0


def forget_yes(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *DAY, warehouse=warehouse).ok
    unasked = house.run("forget", "simulated", warehouse=warehouse)
    assert unasked.status == 2
    assert unasked.clockings > 0
    assert house.run("forget", "simulated", "--yes", warehouse=warehouse).clockings == 0


def forget_json(house: House) -> None:
    for more in ((), ("--json",)):
        warehouse = house.warehouse()
        assert house.run("sync", *DAY, warehouse=warehouse).ok
        done = house.run("forget", "simulated", "--yes", *more, warehouse=warehouse)
        assert done.out.splitlines()[-1].startswith("{") == bool(more)
    assert done.json["tenant"] == "simulated"


def zone(house: House) -> None:
    warehouse = house.warehouse()
    moment = "SELECT min(moment) FROM protime.clockings_local"
    before = house.run("sync", *DAY, warehouse=warehouse).select(moment)
    after = house.run("db", "timezone", "UTC", warehouse=warehouse).select(moment)
    assert (after - before).total_seconds() == 3600


def zone_of_tenant(house: House) -> None:
    warehouse = house.warehouse()
    assert house.run("sync", *DAY, warehouse=warehouse).ok
    here, other = ("db", "timezone", "UTC"), ("--tenant", "simulated")
    named = house.run(*here, *other, warehouse=warehouse, tenant=None)
    assert named.status == 0
    assert named.out.startswith("simulated: ")
    assert house.run(*here, warehouse=warehouse, tenant=None).status == 2


def sql_name(house: House) -> None:
    assert "date" in house.run("sql", "--query", "open_days", "--csv").out.splitlines()[0].split(",")
    assert house.run("sql", "--query", "nowhere").status == 2


def sql_queries(house: House) -> None:
    assert "open_days" in house.run("sql", "--queries").out


def sql_csv(house: House) -> None:
    assert house.run("sql", "SELECT 'a,b' AS a, 1 AS b", "--csv").out.splitlines() == ["a,b", '"a,b",1']
    assert '"a,b"' not in house.run("sql", "SELECT 'a,b' AS a, 1 AS b").out


def sql_json(house: House) -> None:
    assert json.loads(house.run("sql", "SELECT 1 AS a, NULL AS b", "--json").out) == [{"a": 1, "b": None}]
    assert not house.run("sql", "SELECT 1 AS a").out.startswith("[")


def sql_write(house: House) -> None:
    made = "CREATE TABLE public.made (a int)"
    exists = "SELECT to_regclass('public.made') IS NOT NULL"
    refused = house.run("sql", made)
    assert refused.status != 0
    assert not refused.select(exists)
    assert house.run("sql", made, "--write").select(exists)


def sql_query(house: House) -> None:
    assert "42" in house.run("sql", "SELECT 6 * 7 AS answer").out


def sql_file(house: House) -> None:
    file = house.folder / "query.sql"
    file.write_text("-- of a file\nSELECT 6 * 7 AS answer")
    assert "42" in house.run("sql", "--file", str(file)).out


def init_yes(house: House) -> None:
    assert (house.run("init").status, (house.folder / ".env").exists()) == (2, False)
    done = house.run("init", "--yes")
    assert (done.status, "PROTIME_TENANT=simulated\n" in (house.folder / ".env").read_text()) == (0, True)


def support_file(house: House) -> None:
    assert house.run("support-bundle").status == 2
    assert house.run("support-bundle", "bundle.json").status == 0
    assert json.loads((house.folder / "bundle.json").read_text())["versions"]["protime-etl"] == __version__


def demo_folder(house: House) -> None:
    """A file in the way: what it does otherwise takes seconds, and is tried in tests/cli/test_demo.py."""
    for arguments, name in (((), "protime-demo"), (("elsewhere",), "elsewhere")):
        (house.folder / name).touch()
        done = house.run("demo", *arguments)
        assert (done.status, f"The folder {name} cannot be used" in done.err) == (2, True)


ROWS: dict[str, OptionRow] = {
    **dict.fromkeys(("due --from", "due --to", "due --give-up", "due --collections", "due --tenant"), due),
    "resume --yes": yes,
    "init --yes": init_yes,
    "support-bundle file": support_file,
    "demo folder": demo_folder,
    "forget tenant": forget_tenant,
    "forget --yes": forget_yes,
    "forget --json": forget_json,
    "db timezone zone": zone,
    "db timezone --tenant": zone_of_tenant,
    "sql --query": sql_name,
    "sql --queries": sql_queries,
    "sql --csv": sql_csv,
    "sql --json": sql_json,
    "sql --write": sql_write,
    "sql query": sql_query,
    "sql --file": sql_file,
}
