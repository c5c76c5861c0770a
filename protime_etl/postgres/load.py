"""Records into their table: COPY into a staging table, then one merge, in the caller's transaction.

Guarantees, whatever runs at the same time:

- an older `change_version` never overwrites a newer one, and an equal version overwrites only what was written before
  this pull began, so that a slow pull cannot undo what a later one learnt;
- an equal row is not touched: it is filtered out before `ON CONFLICT`, whose path locks and writes WAL even when its
  condition says no;
- a record that a complete pull of its scope no longer holds is given to the caller, who asks for it by its id: it may
  have moved elsewhere. What is gone indeed becomes deleted, unless anyone wrote it after it was asked for or is writing
  it now (`SKIP LOCKED`), which also means that this step never waits;
- a record that was deleted before the table had it (`protime_etl.tombstones`) comes in only with a newer version;
- what an answer does not tell (`delta_lacks`) stays as it is, and is taken from an answer of the same version that
  tells it whenever that was read;
- rows are written in id order, so that two merges cannot deadlock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.types.json import set_json_dumps
from sqlalchemy.engine import Connection

from protime_etl.collections.collection import Collection
from protime_etl.collections.page import Page, RejectedRecord, Rows
from protime_etl.errors import ProtimeError
from protime_etl.postgres.liveness import has_spoken
from protime_etl.postgres.planning import TENANT, WORTH_STATISTICS, no_nested_loops
from protime_etl.postgres.record_tables import COPY_TYPES
from protime_etl.postgres.unknown_columns import UnknownColumns

__all__ = ["Counts", "Load", "Scope", "database_clock"]


@dataclass
class Counts:
    """What a piece of work did, with the names that `--json` promises."""

    requests: int = 0
    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Counts)))

    @property
    def written(self) -> int:
        """Rows that were written."""
        return self.inserted + self.updated + self.deleted

    def as_dict(self) -> dict[str, int]:
        """Name to number."""
        return asdict(self)


class Scope(NamedTuple):
    """What a complete pull covers: these people on these days; None is everybody, always."""

    person_ids: Sequence[int] | None = None
    first: dt.date | None = None
    last: dt.date | None = None


def database_clock(connection: Connection) -> dt.datetime:
    """The moment now by PostgreSQL's clock, the only one that all processes share."""
    now: dt.datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return now


STAGING_MEMORY = "32MB"  # a unit of a hundred pages is staged in memory
MERGE_MEMORY = "64MB"
MERGE_PAGE_COST = "1.1"
COPY_ROWS = 50_000
"""After so many rows a COPY ends and the next one begins, so that a failure that was not heard of is met then."""


class Load:
    """One load of one collection, inside the transaction of `connection`.

    `began` is a moment of the database's clock before the first request; left out: now.
    """

    def __init__(
        self, connection: Connection, tenant: str, collection: Collection, began: dt.datetime | None = None
    ) -> None:
        self._driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        self._tenant = tenant
        self._collection = collection
        self._columns = [*collection.column_names, "extra"]
        self._unknown = UnknownColumns(self._columns, collection.delta_lacks)
        self._types = [*(COPY_TYPES[one.type] for one in collection.columns), COPY_TYPES["jsonb"]]
        self._target = sql.Identifier("protime", collection.table)
        self._staging = sql.Identifier("pg_temp", f"staging_{collection.table}")
        self._rejected = sql.Identifier("pg_temp", f"rejected_{collection.table}")
        self.counts = Counts()
        self.copied = 0
        """Rows that went straight into the table."""
        self._create_staging()
        self.began = began or database_clock(connection)
        self._asked = self.began

    def _create_staging(self) -> None:
        """Tables for this transaction alone: behind a pooler the next one may be on another connection of the server.

        In one round trip. What has their names was left behind, by an earlier load of this transaction or by others.
        """
        statements = sql.SQL(
            # Fixed once a session has used a temporary table, if only in a transaction that was rolled back.
            "DO $$ BEGIN PERFORM set_config('temp_buffers', {buffers}, true);"
            " EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$;"
            " DROP TABLE IF EXISTS {staging}, {rejected};"
            " CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS SELECT {names} FROM {target} WITH NO DATA;"
            " CREATE TEMPORARY TABLE {rejected} (fingerprint text, record_id int8, reason text, record text)"
            " ON COMMIT DROP"
        )
        self._driver.execute(
            statements.format(
                buffers=sql.Literal(STAGING_MEMORY),
                staging=self._staging,
                rejected=self._rejected,
                names=self._names(),
                target=self._target,
            )
        )

    def _names(self, prefix: str = "") -> sql.Composed:
        return sql.SQL(", ").join(
            sql.Identifier(prefix, name) if prefix else sql.Identifier(name) for name in self._columns
        )

    def _clock(self) -> dt.datetime:
        row = self._driver.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None  # noqa: S101 - there is always a time
        return row[0]  # type: ignore[no-any-return]

    def take(self, pages: Iterable[Page], on_page: Callable[[int], None] = lambda _: None) -> None:
        """Send pages to the staging table in PostgreSQL's binary form, and keep what was rejected, each record once.

        One COPY for many pages, so that PostgreSQL stores a page while the next one is prepared. It ends where a record
        is rejected, and where PostgreSQL has said something: that it failed, as a rule, and then this raises.
        `on_page` is called with the number of records of each. When `pages` ends with an error of ours, what came
        before it is staged and the transaction can go on.
        """
        arriving = iter(pages)
        rejected: Sequence[RejectedRecord] | None = ()
        while rejected is not None:
            self._reject(rejected)
            rejected = self._copy(arriving, on_page)

    def _copy(self, pages: Iterator[Page], on_page: Callable[[int], None]) -> Sequence[RejectedRecord] | None:
        """Copy pages until the COPY has to end; returns what was rejected, or None when there are no more pages."""
        failure: ProtimeError | None = None
        before = self.counts.rows_read
        with self._copying() as send:
            try:
                for page in pages:
                    send(page.rows)
                    self._unknown.look(page.rows)
                    self.counts.rows_read += len(page.rows)
                    on_page(len(page.rows) + len(page.rejected))
                    if page.rejected or has_spoken(self._driver) or self.counts.rows_read - before > COPY_ROWS:
                        return page.rejected
            except ProtimeError as error:
                failure = error
        if failure is not None:
            raise failure
        return None

    @contextmanager
    def _copying(self) -> Iterator[Callable[[Rows], None]]:
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(self._staging, self._names())
        with self._driver.cursor() as cursor:
            set_json_dumps(msgspec.json.encode, cursor)  # typed records as they are, at C speed
            with cursor.copy(statement) as copy:
                copy.set_types(self._types)
                write_row = copy.write_row

                def send(rows: Rows) -> None:
                    for row in rows:
                        write_row(row)

                yield send

    def _reject(self, rejected: Sequence[RejectedRecord]) -> None:
        if rejected:
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(self._rejected)
            with self._driver.cursor() as cursor, cursor.copy(statement) as copy:
                copy.set_types(["text", "int8", "text", "text"])
                for one in rejected:
                    copy.write_row((one.fingerprint, one.record_id, one.reason, one.record))
        self.counts.rejected += len(rejected)
        self.counts.rows_read += len(rejected)

    def absent(self, scope: Scope) -> Sequence[int]:
        """Ids that the table has in `scope` and this complete pull of it did not bring: deleted, or moved elsewhere.

        Empty when a record without a readable id came: it might be any of them. What others wrote after the pull began
        is among them: what they read may be older than this pull.
        """
        self._asked = self._clock()
        limits = []
        if scope.person_ids is not None:
            limits.append(sql.SQL("AND t.person_id = ANY(%(people)s::bigint[])"))
        if scope.first is not None:
            limits.append(sql.SQL("AND t.date BETWEEN (SELECT %(first)s::date) AND (SELECT %(last)s::date)"))
        statement = sql.SQL("""
            SELECT t.id FROM {target} AS t
            WHERE t.tenant = {tenant} AND t.deleted_at IS NULL {limits}
                AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id IS NULL)
                AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id = t.id)
                AND NOT EXISTS (SELECT FROM {staging} AS s WHERE s.id = t.id)
            ORDER BY t.id
        """).format(
            target=self._target,
            staging=self._staging,
            rejected=self._rejected,
            tenant=TENANT,
            limits=sql.SQL(" ").join(limits),
        )
        parameters = {
            "tenant": self._tenant,
            "people": list(scope.person_ids or ()),
            "first": scope.first,
            "last": scope.last,
        }
        with no_nested_loops(self._driver):
            return [row[0] for row in self._driver.execute(statement, parameters)]

    def people(self) -> set[int]:
        """Ids of all whose records were staged."""
        statement = sql.SQL("SELECT DISTINCT person_id FROM {staging}").format(staging=self._staging)
        return {row[0] for row in self._driver.execute(statement)}

    def doubtful(self) -> list[int]:
        """Ids that were staged and are not in the table although a unit of their person and day was done meanwhile.

        They came to be after that unit's reading, or they were gone by then and this pull is the older one. Only
        asking again tells. The caller holds the coverage of these people locked.
        """
        # Almost always there is no such unit, and the many records that were staged need not be looked at.
        others = self._driver.execute(
            """
            SELECT u.person_ids, u.date_from, u.date_to
            FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
            WHERE r.tenant = %(tenant)s AND u.status = 'done' AND u.finished_at > %(began)s AND u.circles IS NULL
            """,
            {"tenant": self._tenant, "began": self.began},
        ).fetchall()
        if not others:
            return []
        read = [(person, first, last) for people, first, last in others for person in people]
        statement = sql.SQL("""
            SELECT DISTINCT s.id FROM {staging} AS s
            JOIN unnest(%(people)s::bigint[], %(firsts)s::date[], %(lasts)s::date[]) AS u (person_id, first, last)
                ON u.person_id = s.person_id AND s.date BETWEEN u.first AND u.last
            LEFT JOIN LATERAL (
                SELECT true AS stored FROM {target} AS t WHERE t.tenant = {tenant} AND t.id = s.id LIMIT 1
            ) AS t ON true
            WHERE t.stored IS NULL
            ORDER BY s.id
        """).format(target=self._target, staging=self._staging, tenant=TENANT)
        people, firsts, lasts = (list(column) for column in zip(*read, strict=True))
        parameters = {"tenant": self._tenant, "people": people, "firsts": firsts, "lasts": lasts}
        with no_nested_loops(self._driver):
            return [row[0] for row in self._driver.execute(statement, parameters)]

    def drop(self, ids: Sequence[int]) -> None:
        """Take records out of what was staged."""
        statement = sql.SQL("DELETE FROM {staging} WHERE id = ANY(%(ids)s::bigint[])").format(staging=self._staging)
        self._driver.execute(statement, {"ids": list(ids)})

    def complete(self) -> None:
        """Let what the answers do not tell be as it is in the table."""
        self._unknown.complete(self._driver, self._tenant, self._staging, self._target)

    def merge(self, vanished: Sequence[int] = ()) -> Counts:
        """Write what was staged and rejected, and mark `vanished` as deleted unless anyone writes them meanwhile."""
        self.complete()
        staged = self.counts.rows_read - self.counts.rejected - self.copied
        self._know_staged()
        parameters = {"tenant": self._tenant, "began": self.began, "collection": self._collection.path}
        row = self._driver.execute(self._upsert(), parameters).fetchone()
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY always gives a row
        self.counts.inserted, self.counts.updated, self.counts.deleted = row
        self.counts.unchanged = staged - sum(row)
        self.counts.inserted += self.copied
        if vanished:
            self.counts.deleted += self._delete(vanished)
        if self.counts.inserted:
            self._forget_tombstones()
        self._write_rejected()
        return self.counts

    def _know_staged(self) -> None:
        """Let the planner know what was staged, and what it may take to look it up."""
        # So that a unit is sorted in memory, and looked up in tables whose rows in question were just read by `absent`;
        # unless somebody has set more, or less, already.
        self._driver.execute(
            "SELECT set_config('work_mem', %(memory)s, true)"
            " WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes(%(memory)s)",
            {"memory": MERGE_MEMORY},
        )
        self._driver.execute(
            "SELECT set_config('random_page_cost', %(cost)s, true)"
            " WHERE current_setting('random_page_cost')::float8 > %(cost)s::float8",
            {"cost": MERGE_PAGE_COST},
        )
        # Nobody else looks at a temporary table, and the planner would think that ids repeat.
        staged = self.counts.rows_read - self.counts.rejected - self.copied
        if staged >= WORTH_STATISTICS:
            self._driver.execute(sql.SQL("ANALYZE {} (id)").format(self._staging))

    def _forget_tombstones(self) -> None:
        """Of records that came back: their rows are the newer knowledge."""
        statement = sql.SQL("""
            DELETE FROM protime_etl.tombstones AS d USING {staging} AS s
            WHERE d.tenant = %s AND d.collection = %s AND d.id = s.id AND d.change_version < s.change_version
        """).format(staging=self._staging)
        with no_nested_loops(self._driver):
            self._driver.execute(statement, (self._tenant, self._collection.path))

    def _write_rejected(self) -> None:
        # In one order, so that two loads of the same records cannot deadlock.
        statement = sql.SQL("""
            INSERT INTO protime_etl.rejected_record (tenant, collection, fingerprint, record_id, reason, record)
            SELECT DISTINCT ON (fingerprint) %s, %s, fingerprint, record_id, reason, record FROM {}
            ORDER BY fingerprint
            ON CONFLICT (tenant, collection, fingerprint) DO UPDATE
            SET last_seen_at = clock_timestamp(), reason = excluded.reason
        """).format(self._rejected)
        self._driver.execute(statement, (self._tenant, self._collection.path))

    def _looked_up(self) -> sql.Composed:
        """Joins each staged record `s` with its row `t` of the table, by the index whatever the statistics say."""
        return sql.SQL("""
            LEFT JOIN LATERAL (
                SELECT * FROM {target} AS t WHERE t.tenant = {tenant} AND t.id = s.id OFFSET 0
            ) AS t ON true
        """).format(target=self._target, tenant=TENANT)

    def _upsert(self) -> sql.Composed:
        status = self._collection.deleted_status
        gone = sql.SQL("({}.status IS NOT DISTINCT FROM {})") if status else sql.SQL("false")
        arrived_gone = gone.format(sql.Identifier("s"), sql.Literal(status)) if status else gone
        assignments = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in self._columns if name != "id"
        )
        guard = sql.SQL(
            # A newer version revives, but not the very record that was found gone after this was read.
            "(({s}.change_version > t.change_version"
            " AND NOT (coalesce(t.deleted_by IN ('vanished', 'delta'), false) AND t.written_at > %(began)s))"
            " OR ({s}.change_version = t.change_version"
            " AND t.written_at <= %(began)s"
            " AND ({theirs}, {gone}) IS DISTINCT FROM ({ours}, t.deleted_at IS NOT NULL)){completes})"
        )
        completes = sql.SQL(" OR ({s}.change_version = t.change_version AND ({differs}) AND t.deleted_at IS NULL)")

        def completing(source: str) -> sql.Composable:
            # Not if something had to be taken from the table itself.
            names = () if self._unknown else tuple(self._collection.delta_lacks)
            if not names:
                return sql.SQL("")
            pairs = [
                sql.SQL("({0} IS NOT NULL AND {0} IS DISTINCT FROM {1} AND t.change_version <> '')").format(
                    sql.Identifier(source, name), sql.Identifier("t", name)
                )
                for name in names
            ]
            return completes.format(s=sql.Identifier(source), differs=sql.SQL(" OR ").join(pairs))

        return sql.SQL("""
            WITH candidate AS MATERIALIZED (
                SELECT DISTINCT ON (s.id) s.*, {gone} AS is_gone, t.id IS NULL AS is_new,
                    t.id IS NOT NULL AND t.deleted_at IS NULL AS was_live
                -- Sorted first: the index is read in its own order, and the newest version of an id comes first.
                FROM (SELECT * FROM {staging} ORDER BY id, change_version DESC) AS s {looked_up}
                WHERE (t.id IS NULL AND NOT EXISTS (
                    SELECT FROM protime_etl.tombstones AS d WHERE d.tenant = %(tenant)s
                        AND d.collection = %(collection)s AND d.id = s.id AND d.change_version >= s.change_version
                )) OR {guard}
                ORDER BY s.id, s.change_version DESC
            ),
            written AS (
                INSERT INTO {target} AS t (tenant, {names}, deleted_at, deleted_by, written_at)
                SELECT %(tenant)s, {names}, CASE WHEN is_gone THEN statement_timestamp() END,
                    CASE WHEN is_gone THEN 'status' END, statement_timestamp()
                FROM candidate ORDER BY id
                ON CONFLICT (tenant, id) DO UPDATE SET {assignments},
                    deleted_at = CASE WHEN excluded.deleted_at IS NULL THEN NULL
                        ELSE coalesce(t.deleted_at, excluded.deleted_at) END,
                    deleted_by = excluded.deleted_by, written_at = excluded.written_at
                WHERE {conflict_guard}
                RETURNING t.id
            )
            SELECT
                count(*) FILTER (WHERE is_new),
                count(*) FILTER (WHERE NOT is_new AND NOT (was_live AND is_gone)),
                count(*) FILTER (WHERE was_live AND is_gone)
            FROM written JOIN candidate USING (id)
        """).format(
            staging=self._staging,
            target=self._target,
            looked_up=self._looked_up(),
            names=self._names(),
            assignments=assignments,
            gone=arrived_gone,
            guard=guard.format(
                s=sql.Identifier("s"),
                theirs=self._names("s"),
                ours=self._names("t"),
                gone=arrived_gone,
                completes=completing("s"),
            ),
            conflict_guard=guard.format(
                s=sql.Identifier("excluded"),
                theirs=self._names("excluded"),
                ours=self._names("t"),
                gone=sql.SQL("excluded.deleted_at IS NOT NULL"),
                completes=completing("excluded"),
            ),
        )

    def _delete(self, vanished: Sequence[int]) -> int:
        statement = sql.SQL("""
            WITH vanished AS (
                SELECT t.id FROM {target} AS t
                WHERE t.tenant = {tenant} AND t.id = ANY(%(vanished)s::bigint[])
                    AND t.deleted_at IS NULL AND t.written_at <= %(asked)s
                ORDER BY t.id
                FOR UPDATE SKIP LOCKED
            )
            UPDATE {target} AS t
            SET deleted_at = statement_timestamp(), deleted_by = 'vanished', written_at = statement_timestamp()
            FROM vanished WHERE t.tenant = {tenant} AND t.id = vanished.id
        """).format(target=self._target, tenant=TENANT)
        parameters = {"tenant": self._tenant, "asked": self._asked, "vanished": list(vanished)}
        return self._driver.execute(statement, parameters).rowcount
