"""Obligations: what a permit demands by its annotation, `@obligation("approval:ops; log:full")` (POL-7)."""

from __future__ import annotations

from collections.abc import Iterator

from symbi.contracts.policy import Obligation
from symbi_cedar.names import OBLIGATIONS

__all__ = ["read_obligations", "unknown_obligations"]


def _items(text: str) -> Iterator[tuple[str, str]]:
    for item in text.split(";"):
        if item.strip():
            kind, _, value = item.strip().partition(":")
            yield kind.strip(), value.strip()


def read_obligations(annotations: dict[str, str], *, policy: str) -> tuple[Obligation, ...]:
    """Return the obligations of a policy, those that nobody knows included: the decision denies on them."""
    return tuple(
        Obligation(kind=kind, value=value, policy=policy)
        for key in ("obligation", "obligations")
        for kind, value in _items(annotations.get(key, ""))
    )


def unknown_obligations(obligations: tuple[Obligation, ...]) -> list[str]:
    """Return those whose kind is unknown or whose value has the wrong shape, as they were written."""
    return [
        f"{each.kind}:{each.value}"
        for each in obligations
        if each.kind not in OBLIGATIONS or not OBLIGATIONS[each.kind].fullmatch(each.value)
    ]
