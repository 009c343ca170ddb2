"""Litestar without the parts that are not used here."""

from __future__ import annotations

import warnings
from typing import Any

from litestar import Litestar, Router
from litestar.exceptions import LitestarDeprecationWarning

__all__ = ["PlainLitestar", "PluginRouter"]


class _SharesPaths(Router):
    """Lets two routers serve different methods of one path: Litestar makes the OPTIONS handler of a path anew where it finds none."""

    @property
    def route_handler_method_map(self) -> dict[str, Any]:
        """Return the handlers by path and method, without the OPTIONS handlers that Litestar made."""
        found = super().route_handler_method_map
        return {
            path: {method: each for method, each in handlers.items() if not _is_generated(each)}
            for path, handlers in found.items()
        }


class PluginRouter(_SharesPaths):
    """The router of one plugin's group of routes."""


class PlainLitestar(_SharesPaths, Litestar):
    """Litestar whose handlers speak msgspec only: its plugins for pydantic and attrs cost 0.1 s of every start, whether they are used or not."""

    def __init__(self, *args: Any, **options: Any) -> None:
        with warnings.catch_warnings():
            # dependencies and bodies are told by their parameters' names, as Litestar 2 does; core asks for Litestar below 3
            warnings.simplefilter("ignore", LitestarDeprecationWarning)
            super().__init__(*args, **options)

    @staticmethod
    def _get_default_plugins(plugins: list[Any]) -> list[Any]:
        from litestar.plugins.core import MsgspecDIPlugin

        return [*plugins, MsgspecDIPlugin()]


def _is_generated(handler: Any) -> bool:
    return getattr(handler, "http_methods", None) == {"OPTIONS"} and handler.fn.__name__ == "options_handler"
