"""The policies of one surface, sliced by action, so that a decision reads only what could apply.

A policy whose head names other actions can neither permit, nor forbid, nor err for this request: Cedar looks at the
head before it evaluates a condition. Leaving it out therefore changes no decision and no diagnostic, and makes the
time independent of how many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbi_cedar.parse import ParsedPolicy, handle

if TYPE_CHECKING:
    import cedarpy

__all__ = ["CompiledSet"]


class CompiledSet:
    """All policies of one surface, with a parsed handle for each slice, made on first use."""

    def __init__(self, policies: list[ParsedPolicy]) -> None:
        self.policies = {policy.id: policy for policy in policies}
        self._named = frozenset(action for policy in policies for action in policy.actions() or ())
        self._whole = handle(policies)
        self._slices: dict[tuple[str, ...], cedarpy.PolicySet] = {}

    def __len__(self) -> int:
        return len(self.policies)

    def slice(self, action: str, group: str) -> cedarpy.PolicySet:
        """Return the parsed policies that could apply to the action, or to the group that it belongs to."""
        key = tuple(sorted({action, group} & self._named))
        found = self._slices.get(key)
        if found is None:
            found = self._slices[key] = self._cut(key)
        return found

    def _cut(self, key: tuple[str, ...]) -> cedarpy.PolicySet:
        wanted = frozenset(key)
        some = [policy for policy in self.policies.values() if (named := policy.actions()) is None or named & wanted]
        return self._whole if len(some) == len(self.policies) else handle(some)
