"""Litestar without the parts that are not used here."""

from __future__ import annotations

import warnings
from typing import Any

from litestar import Litestar
from litestar.exceptions import LitestarDeprecationWarning

__all__ = ["PlainLitestar"]


class PlainLitestar(Litestar):
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
