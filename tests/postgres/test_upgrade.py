"""A warehouse with data in it, brought to the next version: every row, coverage and version is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from protime_etl.postgres.schema.upgrade import upgrade_schema
from tests.support.databases import both_servers
from tests.support.next_version import next_version

ROWS = """
INSERT INTO protime_etl.tenants (tenant, timezone) VALUES ('acme', 'Europe/Lisbon');
INSERT INTO protime.people (tenant, id, change_version, last_name, in_service_date)
    VALUES ('acme', 1, '0A', 'One', '2024-01-01'), ('acme', 2, '0B', NULL, NULL);
INSERT INTO protime.clockings (tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version, is_open,
        activity_levels, extra, deleted_at, deleted_by, written_at)
    VALUES ('acme', 7, 1, '2026-03-20', 480, 'InOut', '0C', true, '[{"id": 3}]', '{"a": 1}', NULL, NULL,
        '2026-03-20 09:00Z'),
        ('acme', 8, 2, '2026-03-20', 481, 'InOut', '0D', NULL, NULL, NULL, '2026-03-21', 'vanished',
        '2026-03-21 09:00Z');
INSERT INTO protime.clocking_versions (tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version,
        valid_from, valid_to)
    VALUES ('acme', 7, 1, '2026-03-20', 470, 'InOut', '0B', '2026-03-20 08:00Z', '2026-03-20 09:00Z');
INSERT INTO protime_etl.coverage (tenant, collection, person_id, dates, read_at)
    VALUES ('acme', 'clockings', 1, '{[2026-03-01,2026-03-19)}', '2026-03-20'),
        ('acme', 'clockings', 2, '{}', '2026-03-20');
INSERT INTO protime_etl.runs (tenant, kind, started_by, date_from, date_to, started_at, finished_at, status,
        person_ids)
    VALUES ('acme', 'sync', 'cli', '2026-03-01', '2026-03-20', '2026-03-20', '2026-03-20', 'done', '{1,2}'),
        ('acme', 'backfill', 'cli', '2026-01-01', '2026-03-20', '2026-03-20', NULL, 'running', NULL);
INSERT INTO protime_etl.units (run_id, date_from, date_to, person_ids, status, finished_at, requests, rows_read,
        inserted,
        updated, deleted, unchanged, rejected)
    VALUES (1, '2026-03-01', '2026-03-20', '{1,2}', 'done', '2026-03-20', 3, 2, 2, 0, 0, 0, 0),
        (2, '2026-01-01', '2026-03-20', '{1,2}', 'planned', NULL, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO protime_etl.deltas (tenant, collection, status, date_from, link, started_at, requested_at, initial_rows,
        unreadable)
    VALUES ('acme', 'clockings', 'active', '2025-01-01', '/connector/protimeapi/api/v1/delta/clockings?t=1',
        '2026-03-01',
        '2026-03-20', 2, 0);
INSERT INTO protime_etl.tombstones (tenant, collection, id, change_version, deleted_at)
    VALUES ('acme', 'clockings', 9, '0E', '2026-03-20');
INSERT INTO protime_etl.rejected_record (tenant, collection, fingerprint, record_id, reason, record, first_seen_at,
        last_seen_at)
    VALUES ('acme', 'clockings', 'f', 10, 'malformed', '{}', '2026-03-20', '2026-03-20');
"""
NEXT = "ALTER TABLE protime.clockings ADD COLUMN approved boolean; DROP FUNCTION protime.clockings_as_of"


def tables(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, by the table's name."""
    names = connection.scalars(
        sa.text(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            " WHERE table_schema IN ('protime', 'protime_etl') AND table_type = 'BASE TABLE'"
            " AND table_name NOT IN ('alembic_version', 'views') ORDER BY 1"
        )
    ).all()
    return {
        name: [
            dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {name} AS t ORDER BY t::text")).mappings()
        ]
        for name in names
    }


@pytest.fixture
def upgraded(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """Of a warehouse with rows, all that it had before an upgrade and all that it has after."""
    with engine.begin() as connection:
        connection.exec_driver_sql(ROWS.replace("%", "%%"))
    with engine.connect() as connection:
        before = tables(connection)
    next_version(monkeypatch, tmp_path, NEXT)
    assert upgrade_schema(engine).current == "0002"
    with engine.connect() as connection:
        yield before, tables(connection)


@both_servers
def test_an_upgrade_keeps_every_row_coverage_and_version(upgraded: tuple[Any, Any]) -> None:
    before, after = upgraded
    assert sum(map(len, before.values())) >= 15
    for table, rows in before.items():
        kept = [{name: row[name] for name in rows[0]} for row in after[table]] if rows else after[table]
        assert kept == rows, table


@both_servers
def test_versions_go_on_after_an_upgrade(engine: Engine, upgraded: tuple[Any, Any]) -> None:
    assert upgraded
    as_of = "SELECT time_of_day_in_minutes FROM protime.clockings_as_of(:moment) WHERE id = 7"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE protime.clockings SET time_of_day_in_minutes = 500, change_version = '0F', written_at = now()"
            " WHERE id = 7"
        )
    with engine.connect() as connection:
        moments = ("2026-03-20 08:30Z", "2026-03-21 00:00Z", "infinity")
        minutes = [connection.scalar(sa.text(as_of), {"moment": moment}) for moment in moments]
    assert minutes == [470, 480, 500]
