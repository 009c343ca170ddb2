"""Bounds of what a list may be asked for: 1 to 1000, 400 outside (F-27)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from symbi.contracts.errors import InvalidRequest

if TYPE_CHECKING:
    from litestar.connection import Request

__all__ = ["MOST", "Page", "read_count", "read_limit", "read_page"]

T = TypeVar("T")
MOST = 1000


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list that is paged by number; `total` counts all items."""

    items: list[T]
    page: int
    limit: int
    total: int

    @property
    def has_next(self) -> bool:
        """Tell whether there is a page after this one."""
        return self.page * self.limit < self.total


def read_limit(request: Request[Any, Any, Any], *, default: int = 50, most: int = MOST) -> int:
    """Return `?limit=`, between 1 and `most`; raises `InvalidRequest` outside."""
    return _bounded(request, "limit", default, most)


def read_count(request: Request[Any, Any, Any], *, default: int = 5, most: int = MOST) -> int:
    """Return `?count=`, between 1 and `most`; raises `InvalidRequest` outside."""
    return _bounded(request, "count", default, most)


def read_page(request: Request[Any, Any, Any], *, default_limit: int = 20, most: int = MOST) -> tuple[int, int]:
    """Return `?page=` (from 1) and `?limit=`; raises `InvalidRequest` outside their bounds."""
    return _bounded(request, "page", 1, 1_000_000), read_limit(request, default=default_limit, most=most)


def _bounded(request: Request[Any, Any, Any], name: str, default: int, most: int) -> int:
    given = request.query_params.getall(name, [])
    if not given:
        return default
    text = str(given[-1])
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise InvalidRequest(
            f"{name} must be a whole number between 1 and {most}",
            details={"field": name, "reason": f"1 to {most}", "source": "query"},
        )
    return int(text)
