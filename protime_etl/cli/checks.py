"""`protime-etl check`: each thing that a sync needs, tried on its own."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.engine import URL, Engine

from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import Settings
from protime_etl.errors import ProtimeError
from protime_etl.postgres.ledger.sources import require_source
from protime_etl.postgres.schema.rights import require_rights
from protime_etl.postgres.schema.upgrade import require_schema, schema_state
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.transactions import transaction
from protime_etl.postgres.shared.pause import SharedPause
from protime_etl.protime.auth import MemoryTokenStore, TokenSource
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.pausing import MemoryPause, Pause
from protime_etl.protime.token_requests import request_token
from protime_etl.protime.transport import new_session

__all__ = ["require_warehouse", "run_checks"]

SKIPPED = "not tried: see above"


def run_checks(settings: Settings, url: URL) -> dict[str, str | None]:
    """What was tried -> None if it works, else what is wrong and what to do."""
    session = new_session()
    engine = create_engine(url)
    database = _problem(lambda: schema_state(engine))
    schema = SKIPPED if database else _problem(lambda: require_warehouse(engine, settings))
    # A pause that another process received holds for this one, too; without a schema there can be no such pause.
    shared = not (database or schema)
    rate = settings.requests_per_second
    pause: Pause = SharedPause(engine, settings.tenant, rate) if shared else MemoryPause(rate)
    tokens = TokenSource(settings, MemoryTokenStore(), fetch=lambda asked: request_token(asked, session), pause=pause)
    client = ProtimeClient(settings, tokens, pause)
    try:
        results = {"credentials": _problem(tokens.current)}
        for collection in map(COLLECTIONS.__getitem__, settings.collections):
            results[collection.path] = (
                SKIPPED
                if results["credentials"]
                else f"the scope {collection.scope} is not in PROTIME_SCOPES"
                if collection.scope not in settings.scopes
                else _problem(lambda one=collection: client.probe(one))  # type: ignore[misc]
            )
        return {**results, "database": database, "schema": schema}
    finally:
        client.close()
        session.close()
        engine.dispose()


def require_warehouse(engine: Engine, settings: Settings) -> None:
    """Make sure that the schema is there, holds this source and no other of the tenant, and can be written to.

    Raises:
        SchemaError, SettingsError: what is wrong, and what to do.
        DatabaseError: PostgreSQL cannot be reached.
    """
    require_schema(engine)
    with transaction(engine) as connection:
        require_source(connection, settings)
    require_rights(engine)


def _problem(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except ProtimeError as error:
        return " ".join(str(error).split())
    return None
