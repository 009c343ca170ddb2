"""Litestar without the parts that are not used here."""

from __future__ import annotations

from typing import Any

from litestar import Litestar

__all__ = ["PlainLitestar"]


class PlainLitestar(Litestar):
    """Litestar whose handlers speak msgspec only: its plugins for pydantic and attrs cost 0.1 s of every start, whether they are used or not."""

    @staticmethod
    def _get_default_plugins(plugins: list[Any]) -> list[Any]:
        from litestar.plugins.core import MsgspecDIPlugin

        return [*plugins, MsgspecDIPlugin()]
