"""The vectors of one owner in memory: a matrix that grows, and the attributes beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from symbi.contracts.vectors import Grant

__all__ = ["Partition"]

_TEXTS = ("kind", "type", "session", "document")
_NUMBERS = ("level", "created_at")


class Partition:
    """What `search` looks through; `version` and `deletes` say up to which write of the owner it is true."""

    def __init__(self, dimension: int, generation: str) -> None:
        self.generation = generation
        self.version = 0
        self.deletes = 0
        self.ids: list[str] = []
        self._place: dict[str, int] = {}
        self._matrix = np.empty((16, dimension), dtype=np.float32)
        self._columns: dict[str, npt.NDArray[Any]] = {
            **{name: np.empty(16, dtype=object) for name in _TEXTS},
            **{name: np.empty(16, dtype=np.int64) for name in _NUMBERS},
        }

    @property
    def size(self) -> int:
        """How many bytes the matrix takes."""
        return self._matrix.nbytes

    def take(self, rows: Iterable[Any]) -> None:
        """Add or replace rows of the table."""
        for row in rows:
            place = self._place.get(row.id)
            if place is None:
                place = self._place[row.id] = len(self.ids)
                self.ids.append(row.id)
                self._grow(place)
            self._matrix[place] = np.frombuffer(row.vector, dtype="<f4")
            for name in (*_TEXTS, *_NUMBERS):
                self._columns[name][place] = getattr(row, name)

    def keep(self, ids: set[str]) -> None:
        """Forget every row that is not among `ids`."""
        kept = np.array([each in ids for each in self.ids], dtype=bool)
        if kept.all():
            return
        count = len(self.ids)
        left = int(kept.sum())
        self._matrix[:left] = self._matrix[:count][kept]
        for column in self._columns.values():
            column[:left] = column[:count][kept]
        self.ids = [each for each, stays in zip(self.ids, kept, strict=True) if stays]
        self._place = {each: place for place, each in enumerate(self.ids)}

    def search(
        self,
        query: npt.NDArray[np.float32],
        *,
        limit: int,
        minimum: float,
        filters: Mapping[str, Any],
        session: str | None,
        grant: Grant | None,
    ) -> list[tuple[str, float]]:
        """Return `(id, cosine)` of the nearest that pass, nearest first."""
        count = len(self.ids)
        if not count or limit < 1:
            return []
        chosen = self._chosen(filters, session, grant)
        if chosen is None:
            scores = self._matrix[:count] @ query
            places = np.arange(count)
        else:
            places = np.flatnonzero(chosen)
            if len(places) * 4 < count:
                scores = self._matrix[places] @ query
            else:
                scores = (self._matrix[:count] @ query)[places]
        if len(places) > limit:
            best = np.argpartition(scores, -limit)[-limit:]
            places, scores = places[best], scores[best]
        order = np.argsort(-scores, kind="stable")
        found = ((self.ids[places[each]], float(scores[each])) for each in order)
        return [(item, max(-1.0, min(1.0, score))) for item, score in found if score >= minimum]

    def _chosen(
        self, filters: Mapping[str, Any], session: str | None, grant: Grant | None
    ) -> npt.NDArray[np.bool_] | None:
        count = len(self.ids)
        masks: list[npt.NDArray[np.bool_]] = []
        for name, value in filters.items():
            if name in _TEXTS:
                masks.append(_one_of(self._columns[name][:count], value))
            elif name == "level":
                masks.append(self._columns["level"][:count] <= value)
            elif name == "since":
                masks.append(self._columns["created_at"][:count] >= value)
            elif name == "until":
                masks.append(self._columns["created_at"][:count] <= value)
        if session is not None:
            masks.append(_one_of(self._columns["session"][:count], ("", session)))
        if grant is not None:
            masks.append(self._columns["level"][:count] <= grant.level)
            if grant.ids is not None:
                named = set(grant.ids)
                masks.append(np.fromiter((each in named for each in self.ids), dtype=bool, count=count))
        return np.logical_and.reduce(masks) if masks else None

    def _grow(self, place: int) -> None:
        if place < len(self._matrix):
            return
        more = max(place + 1, len(self._matrix) * 2)
        matrix = np.empty((more, self._matrix.shape[1]), dtype=np.float32)
        matrix[:place] = self._matrix[:place]
        self._matrix = matrix
        for name, column in self._columns.items():
            wider = np.empty(more, dtype=column.dtype)
            wider[:place] = column[:place]
            self._columns[name] = wider


def _one_of(column: npt.NDArray[Any], values: Iterable[str]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(len(column), dtype=bool)
    for value in values:
        mask |= column == value
    return mask
