"""Rows of the commands that read no clockings from the tenant: `resume`, `forget`, `db`, `sql`."""

from __future__ import annotations

import json

from tests.every.house import House, OptionRow
from tests.tenant import TODAY

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


ROWS: dict[str, OptionRow] = {
    "resume --yes": yes,
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
