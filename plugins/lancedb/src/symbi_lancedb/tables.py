"""Between records and Arrow: the columns of a collection, rows in and rows out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from symbi.contracts.vectors import StoredVector, VectorRecord

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types

__all__ = ["COLUMNS", "batch", "key_of", "records", "schema"]

COLUMNS = ("key", "tenant", "agent", "id", "kind", "type", "session", "document", "level", "created_at")
_PLAIN = ("kind", "type", "session", "document", "level", "created_at")


def key_of(tenant: str, agent: str, item: str) -> str:
    """Return the key of a row: an owner's ids are apart from every other owner's."""
    return hashlib.sha256(f"{tenant}\0{agent}\0{item}".encode()).hexdigest()


def schema(dimension: int, model: str) -> pa.Schema:
    """Return the columns of a collection, its model and dimension beside them."""
    import pyarrow as pa

    texts = [pa.field(name, pa.string(), nullable=False) for name in COLUMNS[:-2]]
    numbers = [pa.field("level", pa.int32(), nullable=False), pa.field("created_at", pa.int64(), nullable=False)]
    vector = pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False)
    return pa.schema([*texts, *numbers, vector], metadata={"symbi.model": model, "symbi.dimension": str(dimension)})


def batch(owned: Iterable[StoredVector], columns: pa.Schema) -> pa.Table:
    """Return records as rows; the last of equal keys counts."""
    import numpy as np
    import pyarrow as pa

    rows = {key_of(each.tenant, each.agent, each.record.id): each for each in owned}
    found = list(rows.values())
    arrays: dict[str, Any] = {
        "key": list(rows),
        "tenant": [each.tenant for each in found],
        "agent": [each.agent for each in found],
        "id": [each.record.id for each in found],
        **{name: [getattr(each.record, name) for each in found] for name in _PLAIN},
    }
    dimension = columns.field("vector").type.list_size
    values = np.asarray([each.record.vector for each in found], dtype=np.float32)
    values /= np.linalg.norm(values.astype(np.float64), axis=1, keepdims=True).astype(np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), dimension)
    plain = [pa.array(arrays[field.name], field.type) for field in columns if field.name != "vector"]
    return pa.Table.from_arrays([*plain, vectors], schema=columns)


def records(table: pa.Table) -> list[StoredVector]:
    """Return rows as records with their owners."""
    columns: dict[str, Sequence[Any]] = table.to_pydict()
    return [
        StoredVector(
            tenant=columns["tenant"][at],
            agent=columns["agent"][at],
            record=VectorRecord(
                id=columns["id"][at],
                vector=columns["vector"][at],
                **{name: columns[name][at] for name in _PLAIN},
            ),
        )
        for at in range(table.num_rows)
    ]
