"""Acts on all that the warehouse holds of a tenant, and how a command that is under way learns of one.

A command remembers which act was the last when it began. Each of its transactions looks again, under a lock that it
shares with all other writers of the tenant, before it reads or writes anything else. An act announces itself, waits
for the transactions under way, and stays noted for good: so nothing is written after it that was begun before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy.engine import Connection, Engine

from protime_etl.errors import OvertakenError, SchemaError
from protime_etl.postgres.server.statements import text
from protime_etl.postgres.server.transactions import transaction
from protime_etl.postgres.shared.locks import lock_tenant_exclusive, try_lock_tenant_shared

__all__ = ["Seen", "act_on", "look", "require_unchanged"]


class Seen(NamedTuple):
    """What a command relies on from its beginning to its end."""

    version: str
    """Of the schema."""
    act: int | None
    """Number of the last act on the tenant; None: there was none."""
    what: str | None
    """What became of the tenant by it, in words."""


def look(connection: Connection, tenant: str) -> Seen:
    """What holds of schema and tenant now."""
    return Seen(*connection.execute(text("look"), {"tenant": tenant}).one())


def require_unchanged(connection: Connection, tenant: str, since: Seen | None = None) -> None:
    """Make sure that nothing has overtaken the caller since then, nor will before its transaction ends.

    Without `since` that no act is under way.

    Raises:
        OvertakenError: the tenant was forgotten, or its time zone was changed.
        SchemaError: the schema was upgraded.
    """
    is_free = try_lock_tenant_shared(connection, tenant)
    now = look(connection, tenant)
    if since is not None and now.version != since.version:
        raise SchemaError(
            f"The schema was upgraded from {since.version} to {now.version} while this command ran.",
            guidance="What was committed is complete; run the same command again, with the new package.",
        )
    if not is_free or (since is not None and now.act != since.act):
        raise OvertakenError(
            f"{tenant} {now.what or 'is being changed as a whole'}: nothing more of it is stored.",
            guidance="Run the same command again if it is still wanted.",
        )


@contextmanager
def act_on(engine: Engine, tenant: str, during: str, done: str) -> Iterator[Connection]:
    """A transaction that no other one of the tenant overlaps; commands that began before it end when they look again.

    `during` and `done` say in their errors what becomes of the tenant, such as "was forgotten while this command ran".
    """
    with transaction(engine) as connection:
        connection.execute(text("note_act"), {"tenant": tenant, "what": during})
    with transaction(engine) as connection:
        lock_tenant_exclusive(connection, tenant)
        # Once more: a command may have begun since the announcement.
        connection.execute(text("note_act"), {"tenant": tenant, "what": done})
        yield connection
