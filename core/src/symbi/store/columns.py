"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

__all__ = ["Json", "ms"]


def ms() -> BigInteger:
    """Return the type of a point in time: integer milliseconds UTC."""
    return BigInteger()


class Json(TypeDecorator[Any]):
    """Any JSON-ready value, or a `msgspec.Struct`, kept as text; with `type=` values come back as that type.

    NULL stays `None`. A text that is not what the type says raises `msgspec.ValidationError` at the reader.
    """

    impl = Text
    cache_ok = True

    def __init__(self, type: Any = Any) -> None:
        super().__init__()
        self.type = type

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Encode a value; `None` is NULL."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Decode a value; NULL is `None`."""
        return None if value is None else msgspec.json.decode(value, type=self.type)
