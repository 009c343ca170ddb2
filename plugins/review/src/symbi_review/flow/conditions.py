"""Conditions of an approval: known forms are parsed, checked against the analysis, and enforced at load (toolreview.md §1.7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

__all__ = ["canonical_condition", "contradiction", "expiry_ms"]

_KNOWN = ("permissions:", "hosts:", "expires:", "env:", "sandbox_tier>=")


def canonical_condition(text: str) -> str:
    """The condition as it is kept: a known form as it is, anything else as a note that is shown and not enforced."""
    bare = text.strip()
    if bare.startswith("sandbox_tier>="):
        return bare if re.fullmatch(r"sandbox_tier>=[0-3]", bare) else f"note: {bare}"
    if bare.startswith("expires:"):
        return bare if expiry_ms([bare]) is not None else f"note: {bare}"
    if bare.startswith(_KNOWN) or bare.startswith("note:"):
        return bare
    return f"note: {bare}"


def _values(conditions: list[str], form: str) -> set[str] | None:
    found = [condition.removeprefix(form) for condition in conditions if condition.startswith(form)]
    return {word.strip() for text in found for word in text.split(",") if word.strip()} if found else None


def contradiction(conditions: list[str], report: dict[str, Any]) -> str | None:
    """What the analysis saw that a condition forbids, or None."""
    observed = [item["permission"] for item in report["permissions_observed"]]
    hosts = _values(conditions, "hosts:")
    if hosts is not None:
        for permission in observed:
            head, _, host = permission.partition(":")
            if head == "net.outbound" and (
                not host or not any(host == allowed or host.endswith("." + allowed) for allowed in hosts)
            ):
                return f"the code contacts {host or 'a host chosen at run time'}, which `hosts:` does not allow"
    allowed = _values(conditions, "permissions:")
    if allowed is not None:
        for permission in observed:
            if permission not in allowed and permission.partition(":")[0] not in allowed and permission != "clock":
                return f"the code uses {permission}, which `permissions:` does not allow"
    names = _values(conditions, "env:")
    if names is not None:
        for permission in observed:
            head, _, name = permission.partition(":")
            if head == "env.read" and name not in names:
                return f"the code reads {name or 'the whole environment'}, which `env:` does not allow"
    return None


def expiry_ms(conditions: list[str]) -> int | None:
    """When an `expires:` condition ends the approval, in UTC milliseconds; a date means its last moment."""
    for condition in conditions:
        if not condition.startswith("expires:"):
            continue
        text = condition.removeprefix("expires:").strip()
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
                text += "T23:59:59Z"
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    return None
