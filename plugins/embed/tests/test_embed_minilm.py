"""The model that comes along: it means what it says, reads long texts in windows, and refuses weights that are not its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from symbi.contracts.embedders import EmbeddingFailed
from symbi.kernel.points import EMBEDDERS
from symbi_embed import plugin

PAIRS = [
    ("How do I reset my password?", "Steps to recover access when you forgot your login secret"),
    ("The cat sleeps on the sofa", "A feline is napping on the couch"),
    ("The server ran out of memory", "The machine had no RAM left and the process was killed"),
    ("Best pasta recipes", "How to cook delicious Italian noodles"),
    ("The stock market fell sharply", "Share prices dropped a lot today"),
    ("She plays the violin", "She is a musician with a string instrument"),
    ("Delete old backups", "Remove archives that are no longer needed"),
    ("The flight was delayed by snow", "Bad winter weather made the plane late"),
    ("He bought a new car", "A vehicle was purchased by him"),
    ("The doctor prescribed antibiotics", "The physician gave medicine against the infection"),
    ("Children learn quickly", "Kids pick things up fast"),
    ("The policy forbids network access", "Agents are not allowed to connect to the internet"),
]


async def test_ctx_34_paraphrases_are_nearest(make_kernel):
    async with make_kernel([plugin]) as kernel, kernel.open(EMBEDDERS, "minilm") as embedder:
        left = await embedder.embed([pair[0] for pair in PAIRS], purpose="query")
        right = await embedder.embed([pair[1] for pair in PAIRS])
    for number, query in enumerate(left):
        scores = [sum(a * b for a, b in zip(query, passage, strict=True)) for passage in right]
        assert scores.index(max(scores)) == number, PAIRS[number]


async def test_ctx_32_a_long_text_is_read_to_its_end(make_kernel):
    async with make_kernel([plugin]) as kernel, kernel.open(EMBEDDERS, "minilm") as embedder:
        filler = "Rain falls on the hills. " * 300
        query, only, ending = await embedder.embed(
            ["violin concerto", filler, filler[:5000] + "A violin concerto. " * 200]
        )
    cosine = [sum(a * b for a, b in zip(query, each, strict=True)) for each in (only, ending)]
    assert cosine[1] > cosine[0] + 0.1


async def test_other_weights_are_refused(make_kernel, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"not the model")
    tables = {"plugins": {"minilm": {"model_path": str(tmp_path / "model.onnx")}}}
    async with make_kernel([plugin], tables=tables) as kernel, kernel.open(EMBEDDERS, "minilm") as embedder:
        with pytest.raises(EmbeddingFailed, match="SHA-256"):
            await embedder.embed(["x"])


def test_ctx_61_opening_the_model_imports_no_library(tmp_path):
    code = f"""
import asyncio, sys
from pathlib import Path
from symbi_embed import plugin
from symbi.kernel.points import EMBEDDERS
from symbi.testing.kernels import open_kernel
async def main():
    async with open_kernel(Path({str(tmp_path)!r}), [plugin]) as kernel, kernel.open(EMBEDDERS, "minilm") as model:
        assert (await model.describe()).dimension == 384
        assert (await model.health()).state == "healthy"
asyncio.run(main())
assert not {{"onnxruntime", "tokenizers", "numpy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
