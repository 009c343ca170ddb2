"""The rules as a listing shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symbi.contracts.scanner import ScannerRuleSource
from symbi_skills.meta import META

__all__ = ["rules_document"]


def rules_document(sources: Iterable[ScannerRuleSource], *, on: frozenset[str] | None = None) -> dict[str, Any]:
    """Return `{rules: [...], meta: [...]}`; `on` are the ids in force, None meaning all of them."""
    return {
        "rules": [_rule(source, on is None or source.rule.id in on) for source in sources],
        "meta": [
            {"id": meta.id, "category": meta.category, "severity": meta.severity, "message": meta.message}
            for meta in META.values()
        ],
    }


def _rule(source: ScannerRuleSource, enabled: bool) -> dict[str, Any]:
    rule = source.rule
    return {
        "id": rule.id,
        "category": rule.category,
        "severity": rule.severity,
        "message": rule.message,
        "plugin": source.plugin,
        "enabled": enabled,
        "remediation": rule.remediation,
        "references": list(rule.references),
        "bad": list(rule.bad),
        "good": list(rule.good),
    }
