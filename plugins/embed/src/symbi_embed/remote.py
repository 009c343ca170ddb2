"""Embedders over HTTP: OpenAI's endpoint, spoken by many services, and Ollama's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.embedders import Embedder, EmbedderInfo, EmbeddingFailed, Purpose
from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.vectors import Vector
from symbi.kernel.clock import Clock
from symbi.kernel.context import PluginContext
from symbi_embed.config import OllamaConfig, OpenAiConfig
from symbi_embed.vectors import mean_of, unit

if TYPE_CHECKING:
    import httpx

__all__ = ["RemoteEmbedder", "open_ollama", "open_openai"]

_WINDOW = 20_000
_MOST_WINDOWS = 16
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_LARGEST_ANSWER = 64 * 2**20


class _OpenAiItem(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _OpenAiAnswer(msgspec.Struct):
    data: list[_OpenAiItem]


class _OllamaAnswer(msgspec.Struct):
    embeddings: list[list[float]]


class RemoteEmbedder(Embedder):
    """Asks a service for vectors: in batches, with retries and a deadline for each request."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        clock: Clock,
        *,
        name: str,
        path: str,
        model: str,
        dimension: int,
        batch: int,
        retries: int,
        body: Callable[[list[str]], dict[str, Any]],
        read: Callable[[bytes], list[list[float]]],
        hint: str,
    ) -> None:
        self._client = client
        self._clock = clock
        self._name = name
        self._path = path
        self._model = model
        self._dimension = dimension
        self._batch = batch
        self._retries = retries
        self._body = body
        self._read = read
        self._hint = hint
        self._problem = ""

    async def describe(self) -> EmbedderInfo:
        if not self._dimension:
            await self.embed(["dimension"])
        return EmbedderInfo(model=f"{self._name}/{self._model}", dimension=self._dimension, local=False)

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage") -> list[Vector]:
        windows: list[str] = []
        counts: list[int] = []
        for text in texts:
            cut = _windows(text)
            windows += cut
            counts.append(len(cut))
        found: list[list[float]] = []
        for start in range(0, len(windows), self._batch):
            found += await self._ask(windows[start : start + self._batch])
        vectors: list[Vector] = []
        for count in counts:
            vectors.append(mean_of([unit(each) for each in found[:count]]))
            del found[:count]
        return vectors

    async def health(self) -> Health:
        """Say how the last request went; nobody is asked for it, since asking may cost money."""
        return degraded(self._problem, remedy=self._hint) if self._problem else healthy(model=self._model)

    async def _ask(self, texts: list[str]) -> list[list[float]]:
        content = msgspec.json.encode(self._body(texts))
        for attempt in range(self._retries + 1):
            pause, problem = await self._once(content)
            if isinstance(problem, bytes):
                self._problem = ""
                return self._decoded(problem, len(texts))
            self._problem = problem
            if pause is None or attempt == self._retries:
                break
            await self._clock.sleep(pause or min(0.5 * 2**attempt, 8.0))
        raise EmbeddingFailed(self._problem, hint=self._hint)

    async def _once(self, content: bytes) -> tuple[float | None, bytes | str]:
        """Send one request; return its body, or what went wrong and how long to wait (None: asking again is useless)."""
        import httpx

        try:
            answer = await self._client.post(self._path, content=content)
        except httpx.HTTPError as error:
            return 0.0, f"{self._name} at {self._client.base_url} cannot be reached: {type(error).__name__}"
        if answer.status_code == 200:
            return None, answer.content
        problem = f"{self._name} answered {answer.status_code}"
        if answer.status_code not in _RETRIED:
            return None, problem
        given = answer.headers.get("retry-after", "")
        return (min(float(given), 60.0) if given.replace(".", "", 1).isdigit() else 0.0), problem

    def _decoded(self, body: bytes, count: int) -> list[list[float]]:
        try:
            if len(body) > _LARGEST_ANSWER:
                raise msgspec.DecodeError("too large")
            vectors = self._read(body)
        except msgspec.DecodeError as error:
            raise EmbeddingFailed(f"{self._name} answered with no vectors: {error}", hint=self._hint) from None
        if len(vectors) != count:
            raise EmbeddingFailed(f"{self._name} answered {len(vectors)} vectors for {count} texts", hint=self._hint)
        self._dimension = self._dimension or len(vectors[0])
        if any(len(vector) != self._dimension for vector in vectors):
            raise EmbeddingFailed(
                f"{self._name} answered vectors that do not have {self._dimension} dimensions", hint=self._hint
            )
        return vectors


@asynccontextmanager
async def open_openai(config: OpenAiConfig, context: PluginContext) -> AsyncIterator[RemoteEmbedder]:
    """Open a client of an OpenAI-compatible service; nothing is sent yet."""
    environ = context.environ
    url = environ.get("EMBEDDING_API_BASE_URL") or environ.get("OPENAI_API_BASE_URL") or config.url
    key = (
        environ.get("EMBEDDING_API_KEY")
        or environ.get("OPENAI_API_KEY")
        or (config.api_key.reveal() if config.api_key else "")
    )
    model = environ.get("EMBEDDING_MODEL") or config.model
    asked = {"dimensions": config.dimension} if config.dimension else {}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with _client(url, headers, config.timeout_seconds) as client:
        yield RemoteEmbedder(
            client,
            context.clock,
            name="openai",
            path="embeddings",
            model=model,
            dimension=config.dimension,
            batch=config.batch,
            retries=config.retries,
            body=lambda texts: {"model": model, "input": texts, "encoding_format": "float", **asked},
            read=_read_openai,
            hint='check OPENAI_API_KEY and [plugins.openai-embeddings], or set [context] embedder = "minilm"',
        )


@asynccontextmanager
async def open_ollama(config: OllamaConfig, context: PluginContext) -> AsyncIterator[RemoteEmbedder]:
    """Open a client of an Ollama; nothing is sent yet."""
    model = context.environ.get("EMBEDDING_MODEL") or config.model
    async with _client(config.url, {}, config.timeout_seconds) as client:
        yield RemoteEmbedder(
            client,
            context.clock,
            name="ollama",
            path="api/embed",
            model=model,
            dimension=config.dimension,
            batch=config.batch,
            retries=config.retries,
            body=lambda texts: {"model": model, "input": texts},
            read=lambda body: msgspec.json.decode(body, type=_OllamaAnswer).embeddings,
            hint=f'start Ollama and run `ollama pull {model}`, or set [context] embedder = "minilm"',
        )


@asynccontextmanager
async def _client(url: str, headers: dict[str, str], timeout: float) -> AsyncIterator[httpx.AsyncClient]:
    import httpx

    headers = {**headers, "content-type": "application/json"}
    async with httpx.AsyncClient(
        base_url=url.rstrip("/") + "/", headers=headers, timeout=timeout, trust_env=False
    ) as client:
        yield client


def _read_openai(body: bytes) -> list[list[float]]:
    items = msgspec.json.decode(body, type=_OpenAiAnswer).data
    return [item.embedding for item in sorted(items, key=lambda item: item.index)]


def _windows(text: str) -> list[str]:
    """Return the text in pieces that services take; an empty one as a space, which they take too."""
    clean = text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    cut = [clean[start : start + _WINDOW] for start in range(0, len(clean), _WINDOW)]
    if len(cut) > _MOST_WINDOWS:
        cut = [cut[round(each * (len(cut) - 1) / (_MOST_WINDOWS - 1))] for each in range(_MOST_WINDOWS)]
    return [each if each.strip() else " " for each in cut] or [" "]
