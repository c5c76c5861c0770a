"""What all tables of the warehouse share: names of constraints, types, keys.

Schema `protime` is for people who query, `protime_etl` is the engine's own. Every table and column has a comment.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Text

__all__ = ["BYTES", "MOMENT", "key", "metadata"]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
BYTES = Text(collation="C")  # compared as bytes, whatever the database's locale
MOMENT = DateTime(timezone=True)


def key(name: str, type_: Text | BigInteger, comment: str) -> Column[object]:
    """A column of a primary key."""
    return Column(name, type_, primary_key=True, autoincrement=False, comment=comment)
