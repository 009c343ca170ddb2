"""What a loop begins with, as it comes from the parent."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from symbi.contracts.models import ChatMessage
from symbi.contracts.reasoning import Prefetch

__all__ = ["Brief", "Limits", "OfferedTool"]


class OfferedTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the model is offered; `kind` is the effect behind it, `targets` the agents that a delegation may name."""

    name: str
    kind: Literal["tool", "delegate", "recall", "remember"] = "tool"
    idempotent: bool = False
    server: str = ""
    trusted: bool = False
    targets: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How far the loop may go; the fields are those of `[reasoning]`."""

    max_iterations: int
    timeout_seconds: float
    max_tool_calls: int
    max_denials: int
    max_concurrent_tools: int
    max_argument_bytes: int
    max_argument_depth: int
    max_calls_per_turn: int
    result_characters: int
    temperature: float
    max_output_tokens: int
    recovery: Literal["retry", "none"]
    recovery_attempts: int
    recovery_seconds: float
    fallback_tools: dict[str, tuple[str, ...]]
    stale_results: bool


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """The value of the effect `brief`."""

    models: tuple[str, ...]
    system: str
    tools: tuple[OfferedTool, ...]
    limits: Limits
    history: tuple[ChatMessage, ...] = ()
    hidden: dict[str, str] = {}
    recall: bool = False
    tokens_left: int = 0
    schema: dict[str, Any] | None = None
    prefetch: tuple[Prefetch, ...] = ()
    prefetch_tokens: int = 0
    watch: tuple[str, dict[str, Any]] | None = None
