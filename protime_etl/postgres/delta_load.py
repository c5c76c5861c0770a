"""What a delta brings into its table: as any load, and besides deletions."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import Connection

from protime_etl.postgres.coverage import lock_coverage
from protime_etl.postgres.load import Load
from protime_etl.postgres.planning import BOUND_TENANT, TENANT

__all__ = ["DeltaLoad", "unresolved_deletions"]


def unresolved_deletions(
    connection: Connection, tenant: str, collection: str, deletions: Mapping[int, str]
) -> dict[int, str]:
    """Those deletions that say something new: the row or tombstone is older, or there is neither."""
    statement = sa.text(f"""
        SELECT d.id, d.version FROM unnest(CAST(:ids AS bigint[]), CAST(:versions AS text[])) AS d (id, version)
        LEFT JOIN LATERAL (
            SELECT * FROM protime.{collection} AS t WHERE t.tenant = {BOUND_TENANT} AND t.id = d.id OFFSET 0
        ) AS t ON true
        LEFT JOIN LATERAL (
            SELECT * FROM protime_etl.tombstones AS g
            WHERE g.tenant = :tenant AND g.collection = :collection AND g.id = d.id OFFSET 0
        ) AS g ON true
        WHERE CASE WHEN t.id IS NOT NULL
                THEN d.version = '' AND t.deleted_at IS NULL OR t.change_version < d.version COLLATE "C"
                    OR t.change_version = d.version AND t.deleted_at IS NULL
            WHEN g.id IS NOT NULL THEN g.change_version < d.version COLLATE "C"
            ELSE true END
        ORDER BY d.id
    """)
    parameters = {
        "ids": list(deletions),
        "versions": list(deletions.values()),
        "tenant": tenant,
        "collection": collection,
    }
    return {row[0]: row[1] for row in connection.execute(statement, parameters)}


class DeltaLoad(Load):
    """One answer of a delta or a page of its initial load, inside the transaction that moves its link."""

    def lock_people(self, connection: Connection, deletions: Mapping[int, str]) -> None:
        """Let nobody finish a unit of the people concerned until this transaction ends (see `lock_coverage`)."""
        if "person_id" not in self._columns:
            return
        statement = sql.SQL("""
            SELECT person_id FROM {staging}
            UNION SELECT t.person_id FROM (SELECT id FROM {staging} UNION SELECT unnest(%(deleted)s::bigint[])) AS s
                CROSS JOIN LATERAL (SELECT * FROM {target} AS t WHERE t.tenant = {tenant} AND t.id = s.id OFFSET 0) AS t
        """).format(staging=self._staging, target=self._target, tenant=TENANT)
        parameters = {"tenant": self._tenant, "deleted": list(deletions)}
        lock_coverage(connection, self._tenant, (row[0] for row in self._driver.execute(statement, parameters)))

    def delete(self, deletions: Mapping[int, str]) -> None:
        """Mark the rows of deleted records with the version of the deletion; without a row, leave a tombstone."""
        if not deletions:
            return
        parameters = {
            "tenant": self._tenant,
            "collection": self._collection.path,
            "ids": list(deletions),
            "versions": list(deletions.values()),
        }
        told = sql.SQL(
            "(SELECT * FROM unnest(%(ids)s::bigint[], %(versions)s::text[]) AS d (id, version) ORDER BY id) AS d"
        )
        update = sql.SQL("""
            WITH touched AS (
                SELECT t.id, d.version, t.was_live
                FROM {told} CROSS JOIN LATERAL (
                    SELECT t.id, t.deleted_at IS NULL AS was_live FROM {target} AS t
                    WHERE t.tenant = {tenant} AND t.id = d.id
                        AND (d.version = '' OR t.change_version <= d.version COLLATE "C")
                    OFFSET 0 FOR UPDATE
                ) AS t
            ),
            written AS (
                UPDATE {target} AS t
                SET deleted_at = coalesce(t.deleted_at, statement_timestamp()),
                    deleted_by = coalesce(t.deleted_by, 'delta'),
                    change_version = greatest(t.change_version, touched.version COLLATE "C"),
                    written_at = statement_timestamp()
                FROM touched WHERE t.tenant = {tenant} AND t.id = touched.id
                    AND t.id = ANY(ARRAY(SELECT id FROM touched)) -- by the index, however few rows there are
                RETURNING touched.was_live
            )
            SELECT count(*) FILTER (WHERE was_live) FROM written
        """).format(told=told, target=self._target, tenant=TENANT)
        row = self._driver.execute(update, parameters).fetchone()
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY always gives a row
        self.counts.deleted += row[0]
        self.counts.unchanged += len(deletions) - row[0]
        bury = sql.SQL("""
            INSERT INTO protime_etl.tombstones AS g (tenant, collection, id, change_version)
            SELECT %(tenant)s, %(collection)s, d.id, d.version FROM {told}
            WHERE NOT EXISTS (SELECT FROM {target} AS t WHERE t.tenant = {tenant} AND t.id = d.id OFFSET 0)
            ON CONFLICT (tenant, collection, id) DO UPDATE
            SET change_version = greatest(g.change_version, excluded.change_version)
        """).format(told=told, target=self._target, tenant=TENANT)
        self._driver.execute(bury, parameters)
