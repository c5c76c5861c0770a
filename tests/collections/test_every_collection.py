"""The contract of a collection, run for every registration, from the command line to the table."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from protime_etl.collections.collection import Collection
from protime_etl.collections.record import LocalizedText, OptionalReference
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.simulator.faults import read_plan
from protime_etl.simulator.options import Options
from protime_etl.simulator.selection import Selection
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from tests.cli.shell import Shell, last_json
from tests.support.tenant import TODAY, present_day
from tests.support.truth import table_rows, tenant_rows

FIRST = TODAY - dt.timedelta(days=6)
PLANNED_DAYS = 20
LAST = TODAY + dt.timedelta(days=PLANNED_DAYS)
SYNC = ("sync", "--from", str(FIRST), "--to", str(LAST), "--json")


def _first_of(kind: Callable[[Collection], object]) -> list[Any]:
    """Every collection; of those that are alike, all but the first in the long form.

    People are never the first: they are read for every other collection, too.
    """
    first = {kind(one): one for one in reversed([*COLLECTIONS.values()]) if one.path != "people"}
    return [
        pytest.param(one, id=path, marks=[] if one in first.values() else [pytest.mark.long])
        for path, one in COLLECTIONS.items()
    ]


SHAPES = _first_of(lambda one: one.shape)
each_shape = pytest.mark.parametrize("collection", SHAPES)
"""Of what is read: by people, by days, and as a whole."""
each_versions = pytest.mark.parametrize("collection", _first_of(lambda one: one.versions))
each_layout = pytest.mark.parametrize("collection", _first_of(lambda one: one.shape == "whole"))
"""Of what a record holds: of days, and of lists."""


class Reader:
    """Reads one collection of a tenant, and the people that it takes to do so."""

    def __init__(self, collection: Collection, simulated: SimulatedTenant, warehouse: URL, folder: Path) -> None:
        self.collection = collection
        self.simulated = simulated
        self.tenant = simulated.tenant
        self.shell = Shell(
            folder,
            tenant="simulated",
            client_id=simulated.client_id,
            client_secret=simulated.client_secret,
            api_url=simulated.url,
            auth_url=simulated.url,
            database_url=warehouse.render_as_string(hide_password=False),
            collections=f"people {collection.path}",
        )

    def sync(self, status: int = 0) -> dict[str, int]:
        """What was done with the records of the collection."""
        result = self.shell(*SYNC)
        assert result.returncode == status, result.stderr
        counts: dict[str, int] = last_json(result)["collections"][self.collection.path]
        return counts

    def refuse(self, status: int) -> None:
        """Answer with this status to every request for the collection."""
        fault = f'[[fault]]\nkind = "status"\nstatus = {status}\nrate = 1.0\non = ["{self.collection.path}"]'
        self.simulated.served.misbehaviour.follow(read_plan(fault))

    def served(self) -> int:
        """How many records there are, readable or not."""
        return len(self.tenant.page(self.collection.path, Selection(), 0, 10**9)[0])

    def truth(self) -> dict[int, dict[str, Any]]:
        return tenant_rows(self.tenant, self.collection.path)


@pytest.fixture
def reader(collection: Collection, warehouse: URL, tmp_path: Path) -> Iterator[Reader]:
    tenant = Tenant(seed=1, people=6, first_day=FIRST, last_day=TODAY, planned_days=PLANNED_DAYS)
    with SimulatedTenant(tenant, Options(page_size=5)) as simulated:
        yield Reader(collection, simulated, warehouse, tmp_path)


EDITS = {
    "text": "edited",
    "integer": 77,
    "double": 77.5,
    "boolean": None,
    "date": dt.date(2020, 1, 1),
}


def an_edit(collection: Collection) -> dict[str, object]:
    """Some other content of a record: of the first field that need not be there."""
    for column in collection.columns:
        field, _, part = column.path.partition(".")
        if column.required or field in ("status", collection.day):
            continue
        if part:
            return {field: LocalizedText(default="edited") if part == "default" else OptionalReference(id=77)}
        if column.type in EDITS:
            return {field: EDITS[column.type]}
    raise AssertionError("nothing to edit")


@each_shape
def test_a_sync_brings_the_truth_and_the_next_one_writes_nothing(reader: Reader, engine: Engine) -> None:
    first = reader.sync()
    truth = reader.truth()
    assert len(truth) > 4, "too few made-up records: five at least of six people and a week"
    assert table_rows(engine, reader.collection.path) == truth
    assert (first["inserted"], first["rejected"]) == (len(truth), 0)
    again = reader.sync()
    assert (again["unchanged"], again["inserted"], again["updated"], again["deleted"]) == (len(truth), 0, 0, 0)


@pytest.mark.parametrize("collection", [one for one in _first_of(lambda one: one.plans) if one.values[0].plans])
def test_plans_are_read_into_the_future_and_all_else_comes_with_the_days(
    collection: Collection, warehouse: URL, engine: Engine, tmp_path: Path
) -> None:
    today = present_day()
    tenant = Tenant(seed=1, people=6, first_day=today, last_day=today, planned_days=60)
    with SimulatedTenant(tenant, Options(page_size=5)) as simulated:
        reader = Reader(collection, simulated, warehouse, tmp_path)
        monday = today - dt.timedelta(days=7)  # assignments begin with the week
        days = ("--from", str(monday), "--to", str(today))
        result = reader.shell("sync", *days, planned_days="20")
        assert result.returncode == 0, result.stderr
        assert f"{collection.path}: days to come are read up to {today + dt.timedelta(days=22)}" in result.stderr
        read = {one: row for one, row in reader.truth().items() if row[collection.day] <= str(ahead(today, 22))}
        assert 0 < len(read) < len(reader.truth())
        assert {one: row for one, row in table_rows(engine, collection.path).items() if one in read} == read
        assert collection.path in reader.shell("due").stdout
        assert str(ahead(today, 20)) in reader.shell("due", planned_days="20").stdout

        chosen = f"clockings people {collection.path}"
        tomorrow = ("--from", str(ahead(today, 1)), "--to", str(ahead(today, 60)))
        for command in ("sync", "backfill"):
            later = reader.shell(command, *tomorrow, collections=chosen)
            assert later.returncode == 0, later.stderr
            assert (
                f"clockings have no records of days to come: nothing of them is read before {ahead(today, 1)}"
                in later.stderr
            )
        assert table_rows(engine, collection.path).keys() >= reader.truth().keys() - {
            one for one, row in reader.truth().items() if row[collection.day] < str(monday)
        }
        assert table_rows(engine, "clockings") == {}
        both = reader.shell("sync", "--from", str(today), "--to", str(ahead(today, 40)), collections=chosen)
        assert f"clockings have no records of days to come; they are read up to today, {today}." in both.stderr
        assert reader.shell("sync", *tomorrow, collections="clockings people").returncode == 2


def ahead(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=days)


@each_shape
def test_edits_and_removals_arrive(reader: Reader, engine: Engine) -> None:
    reader.sync()
    path = reader.collection.path
    edited, removed, *_ = [one for one in reader.tenant.records(path) if getattr(one, "status", None) != "Deleted"]
    reader.tenant.edit_record(path, edited.id, **an_edit(reader.collection))
    reader.tenant.remove_record(path, removed.id)
    counts = reader.sync()
    assert (counts["updated"], counts["deleted"]) == (1, 1)
    rows = table_rows(engine, path)
    assert rows.pop(removed.id)["is_deleted"]
    assert rows == reader.truth()


@each_versions
def test_versions_show_what_was_there(reader: Reader, engine: Engine) -> None:
    collection = reader.collection
    if collection.versions == "none":
        assert rows_of(engine, f"SELECT to_regclass('protime.{collection.versions_table}')") == [(None,)]
        return
    if collection.versions == "closed days":
        for person in reader.tenant.people_truth():
            reader.tenant.edit_record("people", person.id, period_closing_date=TODAY)
    reader.sync()
    ((moment,),) = rows_of(engine, "SELECT clock_timestamp()")
    columns = ", ".join(collection.column_names)
    before = rows_of(engine, f"SELECT {columns} FROM protime.{collection.table} WHERE tenant <> 'shadow' ORDER BY id")
    edited = reader.tenant.records(collection.path)[0]
    reader.tenant.edit_record(collection.path, edited.id, **an_edit(collection))
    assert reader.sync()["updated"] == 1
    assert rows_of(engine, f"SELECT id FROM protime.{collection.versions_table} WHERE tenant <> 'shadow'") == [
        (edited.id,)
    ]
    then = f"SELECT {columns} FROM protime.{collection.table}_as_of(:moment) WHERE tenant <> 'shadow' ORDER BY id"
    assert rows_of(engine, then, moment=moment) == before


@each_layout
def test_unknown_fields_and_malformed_records_are_kept(reader: Reader, engine: Engine) -> None:
    path = reader.collection.path
    strange, malformed, *_ = reader.tenant.records(path)
    served = json.loads(msgspec.json.encode(strange))
    reader.tenant.replace_raw(strange.id, {**served, "notDocumented": {"a": [1, 2.5, None]}}, path)
    reader.tenant.replace_raw(malformed.id, {"id": malformed.id, "changeVersion": 7}, path)
    counts = reader.sync(status=3)
    assert counts["rejected"] == 1
    rows = table_rows(engine, path)
    expected = {"notDocumented": {"a": [1, 2.5, None]}} if reader.collection.keep_unknown else None
    assert rows[strange.id]["extra"] == expected
    assert malformed.id not in rows
    rejected = rows_of(
        engine,
        "SELECT collection, record_id FROM protime_etl.rejected_record WHERE 'shadow' NOT IN (tenant, collection)",
    )
    assert rejected == [(path, malformed.id)]


@each_layout
def test_strange_answers_lose_nothing(reader: Reader, engine: Engine) -> None:
    """Explicit nulls, decimals, long texts and empty lists: what can be stored is, the rest is kept beside it."""
    path, columns = reader.collection.path, {column.path: column for column in reader.collection.columns}
    served = [json.loads(msgspec.json.encode(one)) for one in reader.tenant.records(path)[:4]]
    optional = {
        field.encode_name: columns[field.name].type
        for field in msgspec.structs.fields(reader.collection.record)
        if field.name in columns and not columns[field.name].required
    }
    strange: dict[str, object] = {"jsonb": [], "double": 0.25, "integer": 7.5, "bigint": 7.5, "text": "long " * 5000}
    for place, kinds in enumerate([(), ("jsonb", "double"), ("integer", "bigint"), ("text",)]):
        changed = {name: strange[kind] for name, kind in optional.items() if kind in kinds}
        nulls = dict.fromkeys(optional) if not kinds else {}
        reader.tenant.replace_raw(served[place]["id"], {**served[place], **nulls, **changed}, path)
    assert reader.sync()["rejected"] == 0
    assert documented(table_rows(engine, path)) == documented(reader.truth())


def documented(rows: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {key: {**row, "extra": None} for key, row in rows.items()}


def spoil(reader: Reader, kind: str) -> None:
    """Let every answer of the collection be so."""
    on = [reader.collection.path, *([f"{reader.collection.path}-delta"] if reader.collection.delta else [])]
    plan = f'[[fault]]\nkind = "{kind}"\nrate = 1.0\non = {json.dumps(on)}'
    reader.simulated.served.misbehaviour.follow(read_plan(plan))


@each_layout
def test_a_property_that_is_added_is_no_difference(reader: Reader, engine: Engine) -> None:
    """By every reader: a sync, a delta, a comparison or a proof. It is there as soon as the record is written."""
    collection, path = reader.collection, reader.collection.path
    reader.sync()
    truth = reader.truth()
    spoil(reader, "property")
    again = reader.sync()
    assert (again["unchanged"], again["inserted"] + again["updated"] + again["deleted"]) == (len(truth), 0)
    if path == "clockings":
        result = reader.shell("changes", "--from", str(FIRST), "--json")
        assert result.returncode == 0, result.stderr
        assert last_json(result)["inserted"] + last_json(result)["updated"] == 0
    compared = reader.shell("verify", *SYNC[1:], collections=path)
    assert compared.returncode == 0, compared.stdout
    assert (last_json(compared)["equal"], last_json(compared)["differences"]) == (len(truth), [])
    assert table_rows(engine, path) == truth
    if collection.versions != "none":
        mine = f"SELECT count(*) FROM protime.{collection.versions_table} WHERE tenant <> 'shadow'"
        assert rows_of(engine, mine) == [(0,)]
    edited = next(one for one in reader.tenant.records(path) if getattr(one, "status", None) != "Deleted")
    reader.tenant.edit_record(path, edited.id, **an_edit(collection))
    assert reader.sync()["updated"] == 1
    extra = table_rows(engine, path)[edited.id]["extra"]
    assert (extra or {}).get("addedLately") == ({"by": "the tenant"} if collection.keep_unknown else None)
    assert documented(table_rows(engine, path)) == documented(reader.truth())


@each_layout
def test_a_field_of_another_form_costs_itself_alone(reader: Reader, engine: Engine) -> None:
    """Also when a single record is read, and by a comparison; once it is right, nothing of it is left."""
    collection, path = reader.collection, reader.collection.path
    spoil(reader, "form")
    counts = reader.sync()
    served = reader.truth()
    assert (counts["rejected"], counts["inserted"]) == (0, len(served))
    rows = table_rows(engine, path)
    required = {column.name for column in collection.columns if column.required} | {"person_id", "is_deleted"}
    assert {key: {name: row[name] for name in required & row.keys()} for key, row in rows.items()} == {
        key: {name: row[name] for name in required & row.keys()} | {"is_deleted": False} for key, row in served.items()
    }
    optional = [column.name for column in collection.columns if column.name not in required]
    assert not [name for row in rows.values() for name in optional if row[name] is not None]
    forms = [row["extra"]["other form"] for row in rows.values() if row["extra"]]
    assert forms
    assert {name for row in rows.values() for name in row["extra"] or ()} == {"other form"}
    compared = reader.shell("verify", *SYNC[1:], collections=path)
    assert compared.returncode == 0, compared.stdout
    again = reader.sync()
    assert again["inserted"] + again["updated"] + again["deleted"] == 0
    printed = reader.shell("status", collections=f"people {path}").stdout
    named = {field for form in forms for field in form}
    for field in named:
        number = sum(field in form for form in forms)
        assert f"{path}: {field} of {number} record" in printed
    reader.simulated.served.misbehaviour.follow(read_plan(""))
    reader.sync()
    assert table_rows(engine, path) == served
    assert "is not as documented" not in reader.shell("status", collections=f"people {path}").stdout


@each_shape
def test_nothing_at_all_is_an_answer(reader: Reader, engine: Engine) -> None:
    if reader.collection.path == "people":
        return  # without people there is nothing to read
    for record in reader.tenant.records(reader.collection.path):
        reader.tenant.remove_record(reader.collection.path, record.id)
    assert reader.sync()["rows_read"] == 0
    assert table_rows(engine, reader.collection.path) == {}


REFUSED = [
    pytest.param(*kind.values, status, id=f"{kind.id}-{status}", marks=kind.marks)
    for kind, status in zip(SHAPES, cycle((401, 403, 404)), strict=False)
    if kind.id != "people"
]


@pytest.mark.parametrize(("collection", "status"), REFUSED)
def test_a_refused_collection_is_named_and_stops_no_other(reader: Reader, engine: Engine, status: int) -> None:
    path = reader.collection.path
    others = [other for other in ("clockings", "people", "jobs", "assignments") if other != path]
    reader.shell.settings["PROTIME_COLLECTIONS"] = " ".join([path, *others])
    reader.refuse(status)
    result = reader.shell(*SYNC)
    assert result.returncode == 3, result.stderr
    assert f"{path} cannot be read" in result.stderr
    assert table_rows(engine, path) == {}
    for other in others:
        assert table_rows(engine, other) == tenant_rows(reader.tenant, other), other


@each_shape
def test_verify_finds_what_differs_and_repairs_it(reader: Reader, engine: Engine) -> None:
    path = reader.collection.path
    reader.shell.settings["PROTIME_COLLECTIONS"] = path
    reader.shell.settings["PROTIME_SCOPES"] = " ".join({reader.collection.scope, COLLECTIONS["people"].scope})
    assert reader.shell(*SYNC, collections=f"people {path}").returncode == 0
    verify = ("verify", *SYNC[1:])
    assert last_json(reader.shell(*verify))["equal"] == len(reader.truth())
    edited, removed, *_ = [one for one in reader.tenant.records(path) if getattr(one, "status", None) != "Deleted"]
    reader.tenant.edit_record(path, edited.id, **an_edit(reader.collection))
    reader.tenant.remove_record(path, removed.id)
    found = reader.shell(*verify)
    assert found.returncode == 3, found.stderr
    differences = {one["id"]: one["kind"] for one in last_json(found)["differences"]}
    assert differences == {edited.id: "stale", removed.id: "extra"}
    assert f"{path}: " in found.stdout
    repaired = reader.shell(*verify, "--repair")
    assert repaired.returncode == 0, repaired.stderr + repaired.stdout
    assert last_json(repaired)["repaired"] == 2
    rows = table_rows(engine, path)
    assert rows.pop(removed.id)["is_deleted"]
    assert rows == reader.truth()


@each_layout
def test_versions_that_went_back_are_noticed_and_accepted(reader: Reader, engine: Engine) -> None:
    path = reader.collection.path
    edited = reader.tenant.records(path)[0]
    backup = reader.tenant.backup()
    reader.tenant.edit_record(path, edited.id, **an_edit(reader.collection))
    reader.sync()
    before = table_rows(engine, path)
    reader.tenant.restore(backup)
    verify = ("verify", *SYNC[1:], "--collections", path)
    found = reader.shell(*verify)
    assert (found.returncode, last_json(found)["older"]) == (3, 1), found.stderr
    reader.sync(status=3)
    assert table_rows(engine, path) == before
    repaired = reader.shell(*verify, "--repair", "--accept-older")
    assert repaired.returncode == 0, repaired.stderr + repaired.stdout
    assert table_rows(engine, path) == reader.truth()
    reader.sync()


@each_shape
def test_check_names_the_collection(reader: Reader) -> None:
    result = reader.shell("check", "--json")
    assert result.returncode == 0, result.stdout
    assert reader.collection.path in last_json(result)


def rows_of(engine: Engine, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query), parameters)]
