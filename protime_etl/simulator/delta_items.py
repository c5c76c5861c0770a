"""What a delta reports about changes.

https://documentation.myprotime.eu/protimeapi/concepts/clocking-model/ : a clocking that was deleted by a person stays
with the status `Deleted` and comes as `InsertOrUpdate`. Only one that was removed comes as `Delete`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from protime_etl.collections.collection import Collection
from protime_etl.simulator.history import Change
from protime_etl.simulator.selection import Selection

__all__ = ["Item", "in_order", "items", "out_of_order"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an answer, with what it is sorted by."""

    id: int
    version: str
    body: dict[str, Any]


def items(
    collection: Collection, changes: Iterable[Change], selection: Selection, *, report_moved_out: bool
) -> list[Item]:
    """An item for every change of a record that the selection holds or held, the oldest first."""
    found: dict[tuple[int, str], Item] = {}
    for change in changes:
        body = _body(collection, change, selection, report_moved_out=report_moved_out)
        if body is not None:
            # A record that was replaced by raw JSON keeps its version, and the last of equal versions counts.
            found[change.id, change.version] = Item(change.id, change.version, body)
    return list(found.values())


def in_order(all_items: Iterable[Item]) -> list[Item]:
    """The newest item of every record, in the order of their changeVersions."""
    newest = {item.id: item for item in sorted(all_items, key=_by_version)}
    return sorted(newest.values(), key=_by_version)


def out_of_order(all_items: Iterable[Item], seed: int) -> list[Item]:
    """All items, the newest of a record never after its older ones; the same order for the same seed."""
    shuffled = sorted(all_items, key=lambda item: blake2b(f"{seed}/{item.id}/{item.version}".encode()).digest())
    places: dict[int, list[int]] = {}
    for place, item in enumerate(shuffled):
        places.setdefault(item.id, []).append(place)
    for first, *others in places.values():
        newest = max((first, *others), key=lambda place: shuffled[place].version)
        shuffled[first], shuffled[newest] = shuffled[newest], shuffled[first]
    # Chance may have left the changeVersions in order, above all if there are only a few.
    return shuffled[::-1] if shuffled == sorted(shuffled, key=_by_version) else shuffled


def _by_version(item: Item) -> str:
    return item.version


def _body(
    collection: Collection, change: Change, selection: Selection, *, report_moved_out: bool
) -> dict[str, Any] | None:
    day = collection.day
    if _holds(selection, change.after, day):
        return {"changeType": "InsertOrUpdate", "data": _without(collection.delta_lacks, change.served)}
    if _holds(selection, change.before, day) and (change.after is None or report_moved_out):
        return {"changeType": "Delete", "data": {"changeVersion": change.version, "id": change.id}}
    return None


def _holds(selection: Selection, record: Any | None, day: str) -> bool:
    if record is None:
        return False
    return (
        (selection.first_day is None or selection.first_day <= getattr(record, day))
        and (selection.last_day is None or getattr(record, day) <= selection.last_day)
        and (selection.kinds is None or record.kind in selection.kinds)
    )


def _without(lacking: Iterable[str], served: object) -> object:
    """A record as a delta shows it: without the properties that the table of a list has and that of a delta lacks."""
    if isinstance(served, dict):
        names = set(map(_camel, lacking))
        return {name: value for name, value in served.items() if name not in names}
    return msgspec.structs.replace(served, **dict.fromkeys(lacking))  # type: ignore[type-var]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
