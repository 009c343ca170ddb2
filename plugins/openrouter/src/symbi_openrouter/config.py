"""Configuration of the providers: what the file leaves empty comes from the environment."""

from __future__ import annotations

import msgspec

from symbi.contracts.model_retries import RetryPolicy
from symbi.contracts.secret import Secret

__all__ = ["OpenAIConfig", "OpenRouterConfig"]


class OpenRouterConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.openrouter]`; `OPENROUTER_API_KEY`, `OPENROUTER_MODEL` and `OPENROUTER_BASE_URL` win over the file."""

    api_key: Secret | None = None
    """The key; better left to the environment."""
    model: str = ""
    """The model of requests that name none; empty means google/gemini-2.0-flash-001."""
    base_url: str = ""
    """Where the API is; empty means OpenRouter's own."""
    allow_local: bool = False
    """Whether plain HTTP and private addresses are taken; `SYMBIONT_ALLOW_LOCAL_INFERENCE=1` does the same."""
    referer: str = ""
    """Sent as HTTP-Referer; empty sends none."""
    title: str = ""
    """Sent as X-Title; empty sends none."""
    connect_seconds: float = 10.0
    """How long connecting may take."""
    idle_seconds: float = 60.0
    """How long an answer may pause between two pieces."""
    retry: RetryPolicy = RetryPolicy()
    """How failures are tried again."""


class OpenAIConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.openai]`; `OPENAI_API_KEY`, `CHAT_MODEL` and `OPENAI_BASE_URL` win over the file."""

    api_key: Secret | None = None
    """The key; a local server (`allow_local`) may need none."""
    model: str = ""
    """The model of requests that name none; empty means gpt-4o."""
    base_url: str = ""
    """Where the API is, up to and with `/v1`; empty means OpenAI's own."""
    allow_local: bool = False
    """Whether plain HTTP and private addresses are taken; `SYMBIONT_ALLOW_LOCAL_INFERENCE=1` does the same."""
    connect_seconds: float = 10.0
    """How long connecting may take."""
    idle_seconds: float = 120.0
    """How long an answer may pause between two pieces."""
    retry: RetryPolicy = RetryPolicy()
    """How failures are tried again."""
