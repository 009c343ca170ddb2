"""The provider: the SDK's client, its address checked, its failures typed, its retries ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import Forbidden, InvalidRequest, Unavailable
from symbi.contracts.masking import mask_text
from symbi.contracts.model_retries import RETRIED_STATUSES, parse_retry_after, retried
from symbi.contracts.models import ChatEvent, ChatRequest, ContextOverflow, ModelError, ModelRefused, ModelUnavailable
from symbi.contracts.secret import Secret
from symbi.http.outbound import pin
from symbi_anthropic.config import AnthropicConfig
from symbi_anthropic.wire import Answer, parameters_of

if TYPE_CHECKING:
    import anthropic
    import httpx2

    from symbi.kernel.context import PluginContext

__all__ = ["Anthropic", "open_anthropic"]

DEFAULT_MODEL = "claude-sonnet-4-0"
OWN_URL = "https://api.anthropic.com"
SETTING = "[plugins.anthropic] allow_local = true"
REMEDY = "set ANTHROPIC_API_KEY, or choose another [llm] provider"


class Anthropic:
    """Implements `symbi.contracts.models.ChatModel` on the official SDK, which is loaded at the first request."""

    def __init__(self, config: AnthropicConfig, context: PluginContext) -> None:
        environ = context.environ
        text = environ.get("ANTHROPIC_API_KEY", "").strip()
        self._key = Secret(text) if text else config.api_key
        self._model = environ.get("ANTHROPIC_MODEL") or config.model or DEFAULT_MODEL
        self._base_url = environ.get("ANTHROPIC_BASE_URL") or config.base_url or OWN_URL
        self._local = config.allow_local or environ.get("SYMBIONT_ALLOW_LOCAL_INFERENCE") == "1"
        self._config = config
        self._context = context
        self._client: anthropic.AsyncAnthropic | None = None

    @property
    def default_model(self) -> str:
        """Return the model that an empty name means."""
        return self._model

    def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Ask, and yield the answer as it arrives."""
        return retried(
            lambda: self._once(request),
            policy=self._config.retry,
            clock=self._context.clock,
            random=self._context.random,
            timeout_seconds=request.timeout_seconds,
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    async def _once(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        # Loading the SDK and the trusted certificates takes a while, which nobody else should have to wait for.
        client = await asyncio.to_thread(self._opened)
        import anthropic

        model = request.model or self._model
        sent = parameters_of(request, model=model, max_tokens=self._config.max_tokens, cache=self._config.cache_prompt)
        answer = Answer(model)
        try:
            stream: Any = await client.messages.create(stream=True, **sent)
            async with stream:
                async for event in stream:
                    for each in answer.feed(event):
                        yield each
        except anthropic.APIStatusError as error:
            raise self._fault(error) from None
        except anthropic.APIConnectionError as error:
            raise self._unreached(error) from None
        except anthropic.APIError as error:
            raise ModelError(f"anthropic: {self._words(str(error))}", retryable=True) from None
        except _transport_errors() as error:
            raise ModelError(
                f"anthropic was cut off ({type(error).__name__})", code="MODEL_CUT_OFF", retryable=True
            ) from None
        if not answer.finished:
            raise ModelError("anthropic ended its answer in the middle", code="MODEL_CUT_OFF", retryable=True)
        yield answer.end()

    def _opened(self) -> anthropic.AsyncAnthropic:
        import anthropic

        if not self._key and not self._local:
            raise ModelUnavailable("no key for anthropic is known", hint=REMEDY)
        if not self._base_url.startswith("https://") and not self._local:
            raise ModelUnavailable("anthropic is not asked without https", hint=SETTING)
        if self._client is None:
            self._client = anthropic.AsyncAnthropic(
                api_key=self._key.reveal() if self._key else "none",
                base_url=self._base_url.removesuffix("/").removesuffix("/v1"),
                max_retries=0,
                http_client=_http_client(self._config, allow_private=self._local),
            )
        return self._client

    def _fault(self, error: anthropic.APIStatusError) -> ModelError:
        status, words = error.status_code, self._words(str(error))
        said = f"anthropic answered {status}: {words}"
        if status in (400, 413) and any(
            part in words.lower() for part in ("prompt is too long", "context", "too many tokens")
        ):
            return ContextOverflow(said, status=status)
        if status in (401, 402):
            hint = "check the API key" if status == 401 else "the account with the provider has no credit left"
            return ModelUnavailable(said, status=status, hint=hint)
        if status == 403:
            return ModelRefused(said, status=status)
        if status == 404:
            return ModelUnavailable(said, status=status, hint="check the model's name and the base URL")
        after = parse_retry_after(error.response.headers.get("retry-after"), self._context.clock.now())
        # An error event in the middle of an answer comes under the answer's own 200.
        return ModelError(said, status=status, retryable=status in RETRIED_STATUSES or status == 200, retry_after=after)

    def _unreached(self, error: Exception) -> ModelError:
        cause = error.__cause__
        if isinstance(cause, Forbidden | InvalidRequest):
            return ModelUnavailable(cause.message, code=cause.error_code, hint=cause.hint)
        if isinstance(cause, Unavailable):
            return ModelError(cause.message, retryable=True)
        return ModelError(f"anthropic cannot be reached ({type(cause or error).__name__})", retryable=True)

    def _words(self, text: str) -> str:
        if self._key:
            text = text.replace(self._key.reveal(), "***")
        return mask_text(text)[:500]


def _transport_errors() -> tuple[type[Exception], ...]:
    import httpx2

    return (httpx2.HTTPError, httpx2.StreamError)


def _http_client(config: AnthropicConfig, *, allow_private: bool) -> httpx2.AsyncClient:
    import httpx2

    class Pinned(httpx2.AsyncHTTPTransport):
        """Connects to the very address that was checked."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            url: Any = request.url
            pinned, options = await pin(url, allow_private=allow_private, setting=SETTING)
            request.url = pinned  # type: ignore[assignment]  # the URL type of the library that made it
            request.extensions = {**request.extensions, **options["extensions"]}
            return await super().handle_async_request(request)

    timeout = httpx2.Timeout(config.idle_seconds, connect=config.connect_seconds)
    return httpx2.AsyncClient(timeout=timeout, transport=Pinned(), trust_env=False, follow_redirects=False)


@asynccontextmanager
async def open_anthropic(config: AnthropicConfig, context: PluginContext) -> AsyncIterator[Anthropic]:
    """Open the provider; without a key every request says how to get one."""
    opened = Anthropic(config, context)
    try:
        yield opened
    finally:
        await opened.close()
