from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from protime_etl.errors import DatabaseError
from protime_etl.postgres.connection import create_engine
from protime_etl.postgres.embedded import embedded_postgres


@pytest.mark.parametrize("name", ["plain", "with a blank", "x" * 120, "quote's"])
def test_any_folder_will_do_also_below_a_private_one(tmp_path: Path, name: str) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for _ in range(2):
        with embedded_postgres(private / name) as url:
            engine = create_engine(url)
            with engine.connect() as connection:
                version = connection.scalar(sa.text("SELECT current_setting('server_version_num')::int"))
            engine.dispose()
            assert version >= 180000
        assert not (private / name / "postgres" / "postmaster.pid").exists(), "it is stopped at the end"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="does not start"), embedded_postgres(tmp_path / "file"):
        pass
