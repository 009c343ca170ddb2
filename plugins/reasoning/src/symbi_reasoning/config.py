"""Configuration: `[llm]` says which models, `[reasoning]` how far a loop may go."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["LlmConfig", "ReasoningConfig"]


class LlmConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[llm]`."""

    provider: str = "openrouter"
    """Who is asked: the name of an installed provider."""
    model: str = ""
    """The model of agents that name none; empty means the provider's default."""
    fallbacks: tuple[str, ...] = ()
    """What is asked, in order, when a model cannot answer: `model` or `provider:model`."""


class ReasoningConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[reasoning]`; an agent's definition may lower the limits, never raise them."""

    max_iterations: int = 25
    """How often a model is asked in one run."""
    max_total_tokens: int = 100_000
    """Tokens of one run and of those that it delegates to, prompts included."""
    max_cost_usd: float | None = None
    """Cost of the same, where the provider tells it; unset means no bound."""
    timeout_seconds: float = 300.0
    """The time of one loop."""
    max_tool_calls: int = 100
    """Tool calls of one run."""
    max_denials: int = 5
    """So many denials in a row end the run."""
    max_concurrent_tools: int = 5
    """Tools under way at the same time."""
    max_argument_bytes: int = 262_144
    """The largest arguments that a model may propose."""
    max_argument_depth: int = 32
    """How deep such arguments may be nested."""
    max_calls_per_turn: int = 64
    """Calls of one answer that are looked at; the rest are refused."""
    context_tokens: int = 32_000
    """A longer conversation is shortened before it is sent."""
    result_characters: int = 20_000
    """How much of one result the model sees."""
    temperature: float = 0.3
    """How freely a model speaks."""
    max_output_tokens: int = 16_384
    """Tokens of one answer."""
    call_seconds: float = 120.0
    """The time of one answer, retries included."""
    recovery: Literal["retry", "none"] = "retry"
    """What follows a failure that may pass, of a tool that may be called twice."""
    recovery_attempts: int = 2
    """How often such a tool is called again."""
    recovery_seconds: float = 0.5
    """The first wait; it doubles, at random up to that, never over 30 s."""
    fallback_tools: dict[str, tuple[str, ...]] = {}
    """Tools to try with the same arguments when one fails: `{ search = ["search_backup"] }`; each passes the gate."""
    stale_results: bool = False
    """Whether an earlier result of the very same call in this run may stand for one that fails; it is marked as such."""
    knowledge_tools: bool = True
    """Whether agents are offered `recall_knowledge` and `store_knowledge` where policy lets them."""
    history_turns: int = 20
    """Turns of a conversation that a model sees again."""
