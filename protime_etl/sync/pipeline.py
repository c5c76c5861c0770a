"""One tenant and one warehouse, opened: what every verb of this package is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.engine import URL, Connection

from protime_etl.collections.collection import Collection
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import Settings
from protime_etl.errors import (
    ApiError,
    AuthenticationError,
    ForbiddenError,
    IncompleteError,
    NotFoundError,
    ProtimeError,
    ProtocolError,
    UnauthorizedError,
    UnreachableError,
)
from protime_etl.postgres.ledger.acts import Seen, look, require_unchanged
from protime_etl.postgres.ledger.sources import require_source
from protime_etl.postgres.schema.rights import require_all_rows
from protime_etl.postgres.schema.upgrade import require_schema
from protime_etl.postgres.server.connection import create_engine
from protime_etl.postgres.server.stored import Stored
from protime_etl.postgres.server.transactions import reading, transaction
from protime_etl.postgres.shared.pause import SharedPause
from protime_etl.postgres.shared.token import SharedTokenStore
from protime_etl.protime.auth import Token, TokenSource
from protime_etl.protime.client import ProtimeClient
from protime_etl.protime.pausing import wait_out
from protime_etl.protime.token_requests import GrantedTokens
from protime_etl.protime.transport import new_session
from protime_etl.sync.deletion_limit import DeletionLimit
from protime_etl.work import Counts, DagRun

__all__ = ["FAILING_ALIKE", "LONGEST_WAIT_INSIDE", "REFUSALS", "Pipeline", "open_pipeline", "stops_all"]

LONGEST_WAIT_INSIDE = 60.0
"""Seconds that a transaction is kept open when the API asks to wait."""
MOST_WAITS = 200
WAITS_IN_VAIN = 5
"""Waits in a row after which the same request has to wait again, with no good answer in between."""
FAILING_ALIKE = 3
"""Collections that fail for one passing reason before any was answered: then it is about all of them."""
REFUSALS = (UnauthorizedError, ForbiddenError, AuthenticationError, NotFoundError)
"""How a tenant says that this client may not read a collection, or that it has none of that name."""
Result = TypeVar("Result")


def stops_all(error: ProtimeError, longest_wait: float) -> bool:
    """Whether a failure is about no collection alone: credentials, settings, the warehouse, or a pause that is longer.

    All others are about the collection that was asked for and stop no other.
    """
    if isinstance(error, ApiError):
        return (error.retry_after or 0) > longest_wait
    return not isinstance(error, (IncompleteError, ProtocolError, UnreachableError))


class Pipeline:
    """Settings put to work: connections to the tenant and to the warehouse, and what the verbs report.

    Opened by `open_pipeline`. For one thread; a worker takes a client of its own from it (`new_client`).
    """

    def __init__(self, settings: Settings, url: URL) -> None:
        self.settings = settings
        self.engine = create_engine(url)
        store = SharedTokenStore(
            self.engine,
            identity=(settings.token_endpoint, settings.client_id, *sorted(settings.scopes)),
            secret=settings.client_secret.get_secret_value(),
            make=Token,
        )
        self.seen: Seen | None = None
        """What held of tenant and schema when this was opened; see `transaction`."""
        self.deletion_limit = DeletionLimit(settings.max_vanished)
        """What may vanish at once; see `accept_deletions`."""
        self.accepts_older = False
        """Whether records replace newer versions of theirs, once another answer has confirmed it: the tenant was
        restored from a backup or moved."""
        self.dag_run: DagRun | None = None
        """The run of Airflow that this was opened for; None: the command line."""
        self.counts_of: defaultdict[str, Counts] = defaultdict(Counts)
        """What was done, by collection."""
        self.failed: dict[str, ProtimeError] = {}
        """Collections that could not be read, or not whole, and why; see `report_failed`."""
        self.has_answered = False
        """Whether any collection was answered."""
        self.to_look_at: list[IncompleteError] = []
        """What was done but for something that needs a look, in the order in which it was met."""
        # Requests are made inside transactions: no long pause is sat out there. The caller's thread does it.
        self.settings_inside = settings.model_copy(
            update={"max_wait_in_task": min(settings.max_wait_in_task, LONGEST_WAIT_INSIDE)}
        )
        self._auth_session = new_session()
        self.pause = SharedPause(self.engine, settings.tenant, settings.requests_per_second)
        self.tokens = TokenSource(
            self.settings_inside, store, fetch=GrantedTokens(self._auth_session), pause=self.pause
        )
        self.client = self.new_client()

    @property
    def tenant(self) -> str:
        """Name of the tenant."""
        return self.settings.tenant

    @property
    def dated(self) -> list[str]:
        """The chosen collections that are read in windows of days."""
        return [path for path in self.settings.collections if COLLECTIONS[path].is_dated]

    def close(self) -> None:
        """Close all connections."""
        self.client.close()
        self._auth_session.close()
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction of the warehouse, committed at its end; whatever is written of the tenant is written in one.

        Raises:
            OvertakenError: the tenant was forgotten, or set to another time zone, since this pipeline was opened.
            DatabaseError: PostgreSQL refused it; a subclass says how.
        """
        with transaction(self.engine) as connection:
            require_unchanged(connection, self.tenant, self.seen)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that is rolled back at its end.

        Raises:
            DatabaseError: as `transaction`.
        """
        with reading(self.engine) as connection:
            yield connection

    def stored(self, connection: Connection, collection: Collection) -> Stored:
        """A collection of the tenant, as statements about it take it."""
        return Stored(connection, self.tenant, collection)

    def new_client(self) -> ProtimeClient:
        """A client for one more thread, with the same token and the same pause."""
        return ProtimeClient(self.settings_inside, self.tokens, self.pause)

    def accept_deletions(self, accepted: bool = True) -> None:
        """Let any number of records vanish at once."""
        self.deletion_limit = replace(self.deletion_limit, accepted=accepted)

    def sitting_out(self, call: Callable[[], Result], *, shortest: float | None = None) -> Result:
        """Call again after each pause of more than `shortest` seconds that the settings allow to be sat out.

        Left out, of those that are not sat out inside the call.

        Raises:
            ApiError: a longer one, or too many in a row, or some in a row with no good answer in between.
        """
        least = self.settings_inside.max_wait_in_task if shortest is None else shortest
        in_vain = 0
        for _ in range(MOST_WAITS):
            answered = self.client.good_answers
            try:
                return call()
            except ApiError as error:
                if not least < (error.retry_after or 0) <= self.settings.max_wait_in_task:
                    raise
                in_vain = in_vain + 1 if self.client.good_answers == answered else 0
                if in_vain >= WAITS_IN_VAIN:
                    raise
            wait_out(self.pause, self.settings.max_wait_in_task)
        return call()

    def note_answer(self, path: str) -> None:
        """A collection was answered: it does not fail, or not any more."""
        self.has_answered = True
        self.failed.pop(path, None)

    def report_failed(self, path: str, error: ProtimeError) -> None:
        """Report once that a collection cannot be read, or not whole (`to_look_at`); no other is stopped by that.

        Raises:
            ProtimeError: the error given, if it is about all collections: see `stops_all`, or because several fail
                alike before any was answered.
        """
        if stops_all(error, self.settings.max_wait_in_task):
            raise error
        if path in self.failed:
            return
        self.failed[path] = error
        alike = sum(type(one) is type(error) for one in self.failed.values())
        if error.retry and alike >= FAILING_ALIKE and not self.has_answered:
            raise error
        advice = "Or remove it from PROTIME_COLLECTIONS." if isinstance(error, REFUSALS) else ""
        self.to_look_at.append(
            IncompleteError(
                f"{path} cannot be read{' completely' if path in self.counts_of else ''}: {error.message}",
                guidance=f"{error.guidance} {advice}".strip(),
            )
        )

    def raise_if_all_failed(self, paths: Iterable[str]) -> None:
        """Refuse to call it done when not one of these collections could be read.

        Raises:
            ProtimeError: why the first of them failed.
        """
        errors = [self.failed.get(path) for path in paths]
        if errors and errors[0] is not None and None not in errors:
            raise errors[0]


@contextmanager
def open_pipeline(settings: Settings, url: URL) -> Iterator[Pipeline]:
    """Open a pipeline and close it again.

    Raises:
        SchemaError: the warehouse needs `protime-etl db upgrade`, or hides rows from this user.
        SettingsError: it holds a tenant of that name from elsewhere; see `require_source`.
        DatabaseError: it cannot be reached.
    """
    pipeline = Pipeline(settings, url)
    try:
        require_schema(pipeline.engine)
        with reading(pipeline.engine) as connection:
            pipeline.seen = look(connection, settings.tenant)
            require_all_rows(connection)
            # A zone that is only a default gives way to the one that what is stored is read in.
            zone = require_source(connection, settings)
        pipeline.settings = settings.model_copy(update={"timezone": zone})
        yield pipeline
    finally:
        pipeline.close()
