"""Kinds of columns and indexes that several tables have."""

from enum import StrEnum

from sqlalchemy import Enum, Index
from sqlalchemy import text as sql


def closed_set(members: type[StrEnum]) -> Enum:
    """A column of text that a check constraint keeps within the values of ``members``."""
    return Enum(
        members,
        native_enum=False,
        create_constraint=True,
        length=20,
        name=members.__name__.lower(),
        values_callable=lambda kind: [member.value for member in kind],
    )


def index_where(name: str, *columns: str, where: str) -> Index:
    """An index of only those rows that somebody still looks for, so that it stays small for ever."""
    return Index(name, *columns, postgresql_where=sql(where), sqlite_where=sql(where))
