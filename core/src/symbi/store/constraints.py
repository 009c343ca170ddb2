"""The names of unique constraints, by the columns they cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, Table, UniqueConstraint

__all__ = ["unique_names"]


def unique_names(metadata: MetaData) -> dict[str, str]:
    """Return `{"table(column,…)": name}` for every unique key, its columns in alphabetical order.

    An unnamed key gets the name that PostgreSQL would give it.
    """
    return {
        f"{table.name}({','.join(sorted(columns))})": name for table in metadata.tables.values() for columns, name in _keys(table)
    }


def _keys(table: Table) -> Iterator[tuple[list[str], str]]:
    for constraint in table.constraints:
        columns = _names(constraint.columns) if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint) else []
        if isinstance(constraint, PrimaryKeyConstraint):
            yield columns, str(constraint.name or f"{table.name}_pkey")
        elif isinstance(constraint, UniqueConstraint):
            yield columns, str(constraint.name or f"{table.name}_{'_'.join(columns)}_key")
    for index in table.indexes:
        if index.unique:
            yield _names(index.columns), str(index.name)


def _names(columns: Iterable[Column[object]]) -> list[str]:
    return [column.name for column in columns]
