"""What all tables of the warehouse share: names of constraints, types, keys.

Schema `protime` is for people who query, `protime_etl` is the engine's own. Every table and column has a comment.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Text

from protime_etl.work import RunKind

__all__ = ["BYTES", "MOMENT", "STARTED_BY", "key", "metadata", "started_by_columns"]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
STARTED_BY = "started_by = CASE WHEN dag_id IS NULL THEN 'cli' ELSE 'airflow' END"
BYTES = Text(collation="C")  # compared as bytes, whatever the database's locale
MOMENT = DateTime(timezone=True)


def key(name: str, type_: Text | BigInteger, comment: str) -> Column[object]:
    """A column of a primary key."""
    return Column(name, type_, primary_key=True, autoincrement=False, comment=comment)


def started_by_columns() -> list[Column[str]]:
    """What a run or a comparison is for, and what started it."""
    return [
        Column("kind", Text, nullable=False, comment=f"What it is for: {', '.join(RunKind)}."),
        Column("started_by", Text, nullable=False, comment="cli or airflow."),
        Column("dag_id", Text, comment="DAG of Airflow that started it; null: the command line."),
        Column("dag_run_id", Text, comment="Run of the DAG."),
    ]
