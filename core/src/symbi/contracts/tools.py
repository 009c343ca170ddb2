"""Tools: what agents can call once the gate allows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from symbi.contracts.effects import EffectContext
from symbi.contracts.offers import Offer

__all__ = ["Risk", "ToolProvider", "ToolService", "ToolSpec", "Toolset"]

Risk = Literal["low", "medium", "high"]


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One tool as models and policies see it.

    `parameters` is a JSON Schema of type object; policies and recovery use `risk` and `idempotent`; `positional` names the parameters that
    a call in the agent language may give without a name, in order; `server` is where it comes from (a toolset's name).
    """

    name: str
    description: str
    parameters: dict[str, Any]
    risk: Risk = "medium"
    idempotent: bool = False
    timeout_seconds: float = 30.0
    positional: tuple[str, ...] = ()
    server: str = ""
    verified: bool = False
    network: bool = False


class ToolProvider(Protocol):
    """An opened toolset: it lists its tools and carries out a call."""

    async def tools(self) -> Sequence[ToolSpec]:
        """Return the tools as they are now; the list may change while it is open."""

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        """Carry out one call, whose arguments already fit the schema, and return a JSON-ready value.

        Raises a `SymbiError` that says what went wrong in words a model may see. Must be safe to cancel.
        """


class Toolset(Offer, frozen=True, kw_only=True):
    """A declaration of the hook `tools`; opens to a `ToolProvider`."""

    default: bool = True
    """Whether it is opened without being named in the configuration."""


class ToolService(Protocol):
    """All tools of all toolsets, by name."""

    async def list(self) -> Sequence[ToolSpec]:
        """Return every tool, sorted by name."""

    async def get(self, name: str) -> ToolSpec | None:
        """Return one tool, or None."""

    async def bind(self, name: str, positional: Sequence[Any], named: dict[str, Any]) -> dict[str, Any]:
        """Turn a call's arguments into the object that the schema describes; raises `NotFound` or `InvalidRequest`."""

    async def validate(self, name: str, arguments: dict[str, Any]) -> None:
        """Raise `InvalidRequest` where the arguments do not fit the tool's schema, `NotFound` for an unknown tool (before any gate)."""

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        """Carry out a call that the gate has allowed, within the tool's time and the run's deadline."""
