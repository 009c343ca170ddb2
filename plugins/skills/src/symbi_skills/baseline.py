"""Baselines: what was known before. Only the operator keeps one; a skill cannot bring its own."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.scanner import Finding

__all__ = ["fingerprinted", "read_baseline"]


def fingerprinted(findings: list[Finding], *, root: str) -> list[Finding]:
    """Return the findings with fingerprints that survive moved lines: of rule, path, text and the count of equal ones before."""
    counts: dict[tuple[str, str, str], int] = {}
    result = []
    for finding in findings:
        path = finding.path.removeprefix(root).lstrip("/") or finding.path
        key = (finding.rule, path, " ".join(finding.snippet.split()))
        counts[key] = counts.get(key, 0) + 1
        digest = hashlib.sha256("\0".join((*key, str(counts[key]))).encode()).hexdigest()[:24]
        result.append(msgspec.structs.replace(finding, fingerprint=digest))
    return result


def read_baseline(content: bytes, *, where: str) -> frozenset[str]:
    """Return the fingerprints of an earlier result (`symbi scan --format json`); raises `ConfigError` for another document."""
    try:
        document: Any = msgspec.json.decode(content)
        return frozenset(str(finding["fingerprint"]) for finding in document["findings"])
    except (msgspec.DecodeError, KeyError, TypeError):
        raise ConfigError(
            f"{where} is no baseline",
            path="baseline",
            hint="write one with: symbi scan PATH --format json > baseline.json",
        ) from None
