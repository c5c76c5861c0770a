from __future__ import annotations

import threading

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from protime_etl.postgres.shared import locks
from protime_etl.postgres.shared.locks import DeltaLock, RunLease, is_alive, lock_backfill


def test_each_lock_has_a_number_of_its_own() -> None:
    numbers = [number for name, number in vars(locks).items() if name.endswith("_LOCK")]
    assert len(numbers) == 9
    assert len(set(numbers)) == 9


def test_a_delta_and_a_backfill_of_the_same_name_do_not_meet(engine: Engine) -> None:
    with DeltaLock(engine, "acme", "clockings"), engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL lock_timeout = '1s'"))
        lock_backfill(connection, "acme/clockings")


def test_what_is_held_for_long_keeps_no_vacuum_from_its_work(engine: Engine) -> None:
    with RunLease(engine, 7), DeltaLock(engine, "acme", "clockings"), engine.connect() as connection:
        query = (
            "SELECT state, backend_xmin, backend_xid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        held = [tuple(row) for row in connection.execute(sa.text(query))]
        assert is_alive(connection, 7)
        assert not is_alive(connection, 8)
    assert held == [("idle in transaction", None, None)] * 2
    with engine.connect() as connection:
        assert not is_alive(connection, 7)


def test_a_connection_that_the_server_closed_is_not_given_out(engine: Engine) -> None:
    """As by idle_session_timeout: to the pool, and to the process that holds a lease meanwhile."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def use() -> None:
        try:
            while not stop.is_set():
                with engine.begin() as connection:
                    connection.execute(sa.text("SELECT 1"))
        except sa.exc.OperationalError:  # closed in the middle of a statement
            pass
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    with RunLease(engine, 7) as lease:
        for _ in range(10):
            stop.clear()
            threads = [threading.Thread(target=use) for _ in range(3)]
            for thread in threads:
                thread.start()
            with engine.connect() as connection:
                connection.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            stop.set()
            for thread in threads:
                thread.join()
            lease.renew()
            with engine.connect() as connection:
                assert is_alive(connection, 7)
    assert failures == []
