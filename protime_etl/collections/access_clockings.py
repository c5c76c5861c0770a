"""Access clockings: who went through which door, also with a badge that belongs to no person yet."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from protime_etl.collections.collection import Collection, PerDay
from protime_etl.collections.record import (
    NO_REFERENCE,
    BigInteger,
    Integer,
    OptionalReference,
    Record,
    Text,
    column,
)

__all__ = ["ACCESS_CLOCKINGS", "AccessClocking"]


class AccessClocking(Record, frozen=True, kw_only=True):
    """One access clocking, as documented."""

    id: Annotated[BigInteger, column("Protime's unique id of the access clocking.")]
    person: Annotated[
        OptionalReference, column("Protime's internal id of the person; null while the badge is unknown.")
    ] = NO_REFERENCE
    date: Annotated[dt.date, column("Calendar day.")]
    change_version: Annotated[
        Text, column("Order of changes, compared as bytes; an older one never overwrites a newer.")
    ] = ""
    time_of_day_in_minutes: Annotated[Integer | None, column("Minutes since midnight of date.")] = None
    terminal: Annotated[OptionalReference, column("Terminal where it was.")] = NO_REFERENCE
    status: Annotated[Text | None, column("AccessOk, AccessRefused, WrongPinCode, UnknownBadgeNumber and others.")] = (
        None
    )


ACCESS_CLOCKINGS = Collection(
    path="access-clockings",
    record=AccessClocking,
    comment="Who went through which door. It serves security: check what you may use it for.",
    privacy="sensitive",
    shape="dated by days",
    documentation="https://documentation.myprotime.eu/protimeapi/reference/collections/access-clockings/get-list/",
    delta="dated",
    usual=PerDay(working=50.0, weekend=5.0),
)
