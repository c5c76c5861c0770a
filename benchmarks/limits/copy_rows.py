"""COPY a file of ready-made rows into the table, in one transaction: `copy_rows DSN FORMAT FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg

__all__ = ["COLUMNS", "main"]

CHUNK_BYTES = 1024 * 1024
COLUMNS = """tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version,
    original_time_of_day_in_minutes, calculated_time_of_day_in_minutes, is_generated, terminal_id, longitude, latitude,
    reason_id, is_open, activity_levels, status, extra, deleted_at, deleted_by, written_at"""


def main(dsn: str, form: str, file: str) -> None:
    """Copy."""
    statement = f"COPY protime.clockings ({COLUMNS}) FROM STDIN (FORMAT {form})"
    with (
        Path(file).open("rb") as rows,
        psycopg.connect(dsn) as connection,
        connection.cursor() as cursor,
        cursor.copy(statement.encode()) as copy,
    ):
        while chunk := rows.read(CHUNK_BYTES):
            copy.write(chunk)


if __name__ == "__main__":
    main(*sys.argv[1:])
