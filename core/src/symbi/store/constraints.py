"""The names of unique constraints, which SQLite does not tell when one is violated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from symbi.contracts.offers import Tables, load

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table

__all__ = ["ConstraintNames", "unique_names"]


class ConstraintNames:
    """Called, it returns the names for all tables offered so far; their metadata is loaded at the first violation, not at start."""

    def __init__(self) -> None:
        self.offers: list[Tables] = []
        self._seen = 0
        self._names: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """Return `{"table(column,…)": name}`, columns in alphabetical order."""
        for offer in self.offers[self._seen :]:
            self._names.update(unique_names(load(offer.load)))
            self._seen += 1
        return self._names


def unique_names(metadata: MetaData) -> dict[str, str]:
    """Return `{"table(column,…)": name}` for every unique key; an unnamed key gets the name that PostgreSQL would give it."""
    return {
        f"{table.name}({','.join(sorted(columns))})": name
        for table in metadata.tables.values()
        for columns, name in _keys(table)
    }


def _keys(table: Table) -> Iterator[tuple[list[str], str]]:
    from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint):
            yield _columns(constraint.columns), str(constraint.name or f"{table.name}_pkey")
        elif isinstance(constraint, UniqueConstraint):
            columns = _columns(constraint.columns)
            yield columns, str(constraint.name or f"{table.name}_{'_'.join(columns)}_key")
    for index in table.indexes:
        if index.unique:
            yield _columns(index.columns), str(index.name)


def _columns(columns: Iterable[Any]) -> list[str]:
    return [column.name for column in columns]
