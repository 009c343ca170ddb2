"""Large trees are built without the collector, which would walk them again and again while they grow."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collection"]

_LARGE = 65_536


@contextmanager
def no_collection(size: int) -> Iterator[None]:
    """Hold the collector off while a text of this many characters is worked on."""
    if size < _LARGE or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
