"""Configuration of the provider: what the file leaves empty comes from the environment."""

from __future__ import annotations

import msgspec

from symbi.contracts.model_retries import RetryPolicy
from symbi.contracts.secret import Secret

__all__ = ["AnthropicConfig"]


class AnthropicConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.anthropic]`; `ANTHROPIC_API_KEY`, `ANTHROPIC_MODEL` and `ANTHROPIC_BASE_URL` win over the file."""

    api_key: Secret | None = None
    """The key; better left to the environment."""
    model: str = ""
    """The model of requests that name none; empty means claude-sonnet-4-0."""
    base_url: str = ""
    """Where the API is, without `/v1`; empty means Anthropic's own."""
    allow_local: bool = False
    """Whether plain HTTP and private addresses are taken; `SYMBIONT_ALLOW_LOCAL_INFERENCE=1` does the same."""
    max_tokens: int = 4096
    """Tokens of an answer whose request names no number; this API demands one."""
    cache_prompt: bool = True
    """Whether the system message is marked for the provider's prompt cache."""
    connect_seconds: float = 10.0
    """How long connecting may take."""
    idle_seconds: float = 60.0
    """How long an answer may pause between two pieces."""
    retry: RetryPolicy = RetryPolicy()
    """How failures are tried again."""
