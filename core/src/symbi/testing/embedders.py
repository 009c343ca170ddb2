"""The contract of embedders: subclass it with `plugin` and `name`, and give `tables` where the embedder needs settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.embedders import Embedder
from symbi.contracts.errors import ConfigError
from symbi.kernel.points import EMBEDDERS
from symbi.testing.kernels import open_kernel

__all__ = ["EmbedderContract"]


class EmbedderContract:
    """What every embedder must do."""

    plugin: Any
    """The plugin module."""
    name: str
    """The embedder's name."""
    tables: Mapping[str, Any] = {}
    """Settings, as in `symbi.toml`."""

    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[Embedder]:
        """Open the embedder."""
        async with (
            open_kernel(folder, [self.plugin], tables=self.tables) as kernel,
            kernel.open(EMBEDDERS, self.name) as embedder,
        ):
            yield embedder

    async def test_it_says_what_it_is_and_keeps_to_it(self, tmp_path: Path) -> None:
        """A name, a dimension, and vectors of that dimension and of length 1."""
        async with self.opened(tmp_path) as embedder:
            info = await embedder.describe()
            assert info.model
            assert info.dimension > 0
            for vector in await embedder.embed(["one", "two words"]):
                assert len(vector) == info.dimension
                assert sum(value * value for value in vector) == pytest.approx(1.0, abs=1e-3)

    async def test_ctx_32_any_text_is_taken(self, tmp_path: Path) -> None:
        """Empty, NUL, emoji, no space at all, and much."""
        texts = [
            "",
            "\0",
            "🙂" * 50,
            "x" * 20_000,
            "word " * 3_000,
            "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
        ]
        async with self.opened(tmp_path) as embedder:
            vectors = await embedder.embed(texts)
            assert len(vectors) == len(texts)
            assert all(any(value != 0 for value in vector) for vector in vectors)

    async def test_the_same_text_gives_the_same_vector(self, tmp_path: Path) -> None:
        """Alone or among others, up to what int8 rounding by batch may change."""
        async with self.opened(tmp_path) as embedder:
            [alone] = await embedder.embed(["the cat sat on the mat"])
            many = await embedder.embed(
                ["a much longer text that is about something else altogether", "the cat sat on the mat", "x"]
            )
            assert sum(a * b for a, b in zip(alone, many[1], strict=True)) > 0.98

    async def test_no_texts_give_no_vectors(self, tmp_path: Path) -> None:
        """Nothing is asked, nothing is loaded."""
        async with self.opened(tmp_path) as embedder:
            assert await embedder.embed([]) == []

    async def test_it_is_safe_to_cancel(self, tmp_path: Path) -> None:
        """A cancelled call leaves the embedder usable."""
        async with self.opened(tmp_path) as embedder:
            task = asyncio.create_task(embedder.embed(["a text"] * 64))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert len(await embedder.embed(["again"])) == 1

    async def test_unknown_settings_are_refused(self, tmp_path: Path) -> None:
        """A setting that it does not know is an error that names it."""
        async with open_kernel(tmp_path, [self.plugin]) as kernel:
            with pytest.raises(ConfigError, match="surely_unknown"):
                async with kernel.open(EMBEDDERS, self.name, {"surely_unknown": 1}):
                    pass
