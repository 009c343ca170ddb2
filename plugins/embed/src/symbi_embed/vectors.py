"""Small arithmetic on vectors, without a library."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from symbi.contracts.embedders import EmbeddingFailed

__all__ = ["mean_of", "unit"]


def unit(values: Sequence[float]) -> array[float]:
    """Return the vector at length 1; raises `EmbeddingFailed` for one that has no direction."""
    length = math.sqrt(math.fsum(value * value for value in values))
    if not 0.0 < length < math.inf:
        raise EmbeddingFailed("the model answered with a vector that is zero or not finite")
    return array("f", [value / length for value in values])


def mean_of(windows: Sequence[Sequence[float]]) -> array[float]:
    """Return the direction in which the windows of one text point together."""
    if len(windows) == 1:
        return unit(windows[0])
    return unit([math.fsum(each) for each in zip(*windows, strict=True)])
