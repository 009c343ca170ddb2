"""The provider: one streaming POST, its address checked, its failures typed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.errors import Forbidden, InvalidRequest, Unavailable
from symbi.contracts.model_retries import RetryPolicy, parse_retry_after, retried
from symbi.contracts.models import ChatEvent, ChatRequest, ModelError, ModelUnavailable
from symbi.contracts.secret import Secret
from symbi.http.outbound import pin
from symbi_openrouter.config import OpenAIConfig, OpenRouterConfig
from symbi_openrouter.faults import fault_of, words_of
from symbi_openrouter.sse import data_of
from symbi_openrouter.wire import Answer, Chunk, body_of

if TYPE_CHECKING:
    import httpx

    from symbi.kernel.context import PluginContext

__all__ = ["Completions", "Target", "open_openai", "open_openrouter"]

MOST_REDIRECTS = 2
MOST_ERROR_BYTES = 16_384
_DONE = b"[DONE]"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests go, as what, and what to do where no key is known."""

    provider: str
    base_url: str
    model: str
    key: Secret | None
    allow_local: bool
    remedy: str
    setting: str
    headers: dict[str, str] = {}
    cost: bool = False
    connect_seconds: float = 10.0
    idle_seconds: float = 60.0


class Completions:
    """Implements `symbi.contracts.models.ChatModel` over chat completions."""

    def __init__(self, target: Target, retry: RetryPolicy, context: PluginContext) -> None:
        self._target = target
        self._retry = retry
        self._context = context
        self._client: httpx.AsyncClient | None = None

    @property
    def default_model(self) -> str:
        """Return the model that an empty name means."""
        return self._target.model

    def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Ask, and yield the answer as it arrives."""
        return retried(
            lambda: self._once(request),
            policy=self._retry,
            clock=self._context.clock,
            random=self._context.random,
            timeout_seconds=request.timeout_seconds,
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _once(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        import httpx

        target = self._target
        if not target.key and not target.allow_local:
            raise ModelUnavailable(f"no key for {target.provider} is known", hint=target.remedy)
        body = body_of(request, model=request.model or target.model, cost=target.cost)
        answer = Answer(request, model=body["model"], provider=target.provider)
        try:
            async for chunk in self._chunks(httpx.URL(f"{target.base_url.rstrip('/')}/chat/completions"), body):
                for event in answer.feed(chunk):
                    yield event
        except httpx.TimeoutException as error:
            raise ModelError(f"{target.provider} is silent ({type(error).__name__})", retryable=True) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelError(f"{target.provider} cannot be reached ({type(error).__name__})", retryable=True) from None
        if not answer.finished:
            raise ModelError(f"{target.provider} ended its answer in the middle", code="MODEL_CUT_OFF", retryable=True)
        yield answer.end()

    async def _chunks(self, url: httpx.URL, body: dict[str, Any]) -> AsyncIterator[Chunk]:
        """Post, following at most two redirects on the same host, and yield the chunks of the answer."""
        content = msgspec.json.encode(body)
        for _ in range(MOST_REDIRECTS + 1):
            pinned, options = await self._pinned(url)
            options["headers"].update(self._headers())
            async with (await self._http()).stream("POST", pinned, content=content, **options) as response:
                if response.is_redirect:
                    url = self._redirected(url, response)
                    continue
                if response.status_code != 200:
                    raise await self._refusal(response)
                async for data in data_of(response.aiter_raw()):
                    if data.strip() == _DONE:
                        return
                    yield self._chunk(data)
                return
        raise ModelError(f"{self._target.provider} redirects without end", status=310)

    async def _pinned(self, url: httpx.URL) -> tuple[httpx.URL, dict[str, Any]]:
        target = self._target
        if url.scheme != "https" and not target.allow_local:
            raise ModelUnavailable(f"{target.provider}: {url.host} is not asked without https", hint=target.setting)
        try:
            return await pin(url, allow_private=target.allow_local, setting=target.setting)
        except (Forbidden, InvalidRequest) as error:
            raise ModelUnavailable(error.message, code=error.error_code, hint=error.hint) from None
        except Unavailable as error:
            raise ModelError(error.message, retryable=True) from None

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json", "accept": "text/event-stream", "accept-encoding": "identity"}
        headers.update(self._target.headers)
        if self._target.key:
            headers["authorization"] = f"Bearer {self._target.key.reveal()}"
        return headers

    def _redirected(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        there = url.join(response.headers.get("location", ""))
        if (there.host, there.scheme) != (url.host, url.scheme) or response.status_code not in (307, 308):
            raise ModelError(
                f"{self._target.provider} redirects to {there.host}, which is not followed", status=response.status_code
            )
        return there

    async def _refusal(self, response: httpx.Response) -> ModelError:
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > MOST_ERROR_BYTES:
                break
        after = parse_retry_after(response.headers.get("retry-after"), self._context.clock.now())
        words = words_of(bytes(body[:MOST_ERROR_BYTES]), self._target.key)
        return fault_of(response.status_code, words, provider=self._target.provider, retry_after=after)

    def _chunk(self, data: bytes) -> Chunk:
        try:
            chunk = msgspec.json.decode(data, type=Chunk)
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise ModelError(
                f"{self._target.provider} sent something that is no chunk", code="MODEL_PROTOCOL"
            ) from None
        if chunk.error is not None:
            code = chunk.error.get("code") if isinstance(chunk.error, dict) else None
            status = code if isinstance(code, int) else 502
            raise fault_of(status, words_of(chunk.error, self._target.key), provider=self._target.provider)
        return chunk

    async def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            # Reading the trusted certificates takes a while, which nobody else should have to wait for.
            made = await asyncio.to_thread(self._made)
            if self._client is None:
                self._client = made
        return self._client

    def _made(self) -> httpx.AsyncClient:
        import httpx

        timeout = httpx.Timeout(self._target.idle_seconds, connect=self._target.connect_seconds)
        return httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)


def _key(context: PluginContext, name: str, configured: Secret | None) -> Secret | None:
    text = context.environ.get(name, "").strip()
    return Secret(text) if text else configured


def _local(context: PluginContext, configured: bool) -> bool:
    return configured or context.environ.get("SYMBIONT_ALLOW_LOCAL_INFERENCE") == "1"


@asynccontextmanager
async def _opened(target: Target, retry: RetryPolicy, context: PluginContext) -> AsyncIterator[Completions]:
    opened = Completions(target, retry, context)
    try:
        yield opened
    finally:
        await opened.close()


def open_openrouter(config: OpenRouterConfig, context: PluginContext) -> Any:
    """Open OpenRouter; without a key every request says how to get one."""
    environ = context.environ
    headers = {
        "HTTP-Referer": config.referer or environ.get("OPENROUTER_REFERER", ""),
        "X-Title": config.title or environ.get("OPENROUTER_TITLE", ""),
    }
    target = Target(
        provider="openrouter",
        base_url=environ.get("OPENROUTER_BASE_URL") or config.base_url or "https://openrouter.ai/api/v1",
        model=environ.get("OPENROUTER_MODEL") or config.model or "google/gemini-2.0-flash-001",
        key=_key(context, "OPENROUTER_API_KEY", config.api_key),
        allow_local=_local(context, config.allow_local),
        remedy="set OPENROUTER_API_KEY (keys: https://openrouter.ai/keys), or choose another [llm] provider",
        setting="[plugins.openrouter] allow_local = true",
        headers={name: value for name, value in headers.items() if value},
        cost=True,
        connect_seconds=config.connect_seconds,
        idle_seconds=config.idle_seconds,
    )
    return _opened(target, config.retry, context)


def open_openai(config: OpenAIConfig, context: PluginContext) -> Any:
    """Open OpenAI, or the server that the configuration names."""
    environ = context.environ
    target = Target(
        provider="openai",
        base_url=environ.get("OPENAI_BASE_URL") or config.base_url or "https://api.openai.com/v1",
        model=environ.get("CHAT_MODEL") or config.model or "gpt-4o",
        key=_key(context, "OPENAI_API_KEY", config.api_key),
        allow_local=_local(context, config.allow_local),
        remedy="set OPENAI_API_KEY, or point [plugins.openai] base_url at a server of your own with allow_local = true",
        setting="[plugins.openai] allow_local = true",
        connect_seconds=config.connect_seconds,
        idle_seconds=config.idle_seconds,
    )
    return _opened(target, config.retry, context)
