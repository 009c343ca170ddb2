"""Contexts of effects for tests, and the contract of effect handlers."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

from symbi.contracts.effects import EffectContext, EffectHandler
from symbi.contracts.offers import load
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.testing.declarations import declared

__all__ = ["EffectHandlerContract", "effect_context"]


def effect_context(folder: Path | str, **changes: Any) -> EffectContext:
    """Return what the parent knows of a run that works in `folder`; `changes` replace single facts."""
    facts: dict[str, Any] = {
        "run_id": "00000000-0000-4000-8000-00000000000a",
        "agent_id": "00000000-0000-4000-8000-00000000000b",
        "agent": "tested",
        "principal": LOCAL_ADMIN,
        "attempt": 1,
        "surface": "run",
        "depth": 0,
        "chain": (),
        "session": None,
        "working_folder": str(folder),
        "deadline_ms": None,
    }
    return EffectContext(**{**facts, **changes})


class EffectHandlerContract:
    """What every effect handler of a plugin must be."""

    plugin: Any
    """The plugin module."""

    def test_handlers_are_coroutine_functions_of_call_run_and_context(self) -> None:
        """`async handle(call, run, context)`."""
        handlers = [item for _, item in declared(self.plugin)[1] if isinstance(item, EffectHandler)]
        assert handlers, "the plugin offers no effect handler"
        for handler in handlers:
            function = load(handler.handle)
            assert asyncio.iscoroutinefunction(function), handler.kind
            inspect.signature(function).bind(object(), object(), object())
            assert handler.summary, handler.kind
