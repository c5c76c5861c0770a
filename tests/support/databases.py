"""Databases on the servers of the tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from protime_etl.postgres.server.connection import create_engine
from tests.support.long_form import in_long_form
from tests.support.servers import older_server

__all__ = [
    "NUMBERS",
    "both_in_long_form",
    "both_servers",
    "connect",
    "database",
    "database_exists",
    "execute",
    "in_memory",
]

NUMBERS = count()
"""For names that no other database has."""


def in_memory() -> str | None:
    """A folder of which nothing reaches a disk, where there is one with room for some databases."""
    memory = Path("/dev/shm")
    there = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 * 2**30
    return str(memory) if there else None


def connect(url: URL) -> psycopg.Connection[Any]:
    """A session of its own, outside a transaction."""
    return psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True)


def execute(url: URL, statement: str) -> None:
    """Run one statement in a session of its own, outside a transaction."""
    with connect(url) as session:
        session.execute(statement.encode())


@contextmanager
def database(server: URL, name: str, template: str | None = None) -> Iterator[URL]:
    """A database for the length of the block."""
    copied = f"TEMPLATE {template}" if template else ""
    if template and _version(server) >= 15:
        copied += " STRATEGY file_copy"  # as before 15: twice as fast where no disk is waited for
    execute(server, f"CREATE DATABASE {name} {copied}")
    yield server.set(database=name)
    execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def database_exists(server: URL, name: str) -> bool:
    """Whether the server has a database of that name."""
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as session:
        return session.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


@cache
def _version(server: URL) -> int:
    engine = create_engine(server)
    with engine.connect() as connection:
        number = int(str(connection.scalar(sa.text("SHOW server_version_num"))))
    engine.dispose()
    return number // 10_000


_OLDER = ["system"] if older_server() is not None else []
both_servers = pytest.mark.parametrize("warehouse", ["embedded", *_OLDER], indirect=True)
both_in_long_form = pytest.mark.parametrize("warehouse", ["embedded", *in_long_form(_OLDER)], indirect=True)
"""The same, the older one in the long form alone."""
