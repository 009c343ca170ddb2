"""The types of ASGI as the layers here use them: scopes are open dictionaries, to which the layers add their own entries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["App", "Receive", "Scope", "Send"]

Scope = MutableMapping[str, Any]
"""Ours in it: `symbi.headers` (the last header of each name), `symbi.client` (an address), `symbi.principal` (who is known already)."""

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
