"""The JSON document, version 1: `schema.json` beside it says what is in it."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.scanner import Finding, ScanResult

__all__ = ["as_document"]

_FIRST = (
    "rule",
    "severity",
    "category",
    "message",
    "path",
    "line",
    "column",
    "end_column",
    "snippet",
    "fingerprint",
    "suppressed",
)


def as_document(result: ScanResult, *, ledger: bool = False) -> dict[str, Any]:
    """Return plain data in a fixed order; the ledger of all files only on request, what was skipped always."""
    document: dict[str, Any] = {
        "schema_version": result.schema_version,
        "passed": result.passed,
        "fail_on": result.fail_on,
        "scanned_files": result.scanned_files,
        "scanned_bytes": result.scanned_bytes,
        "skipped": [
            {"path": each.path, "reason": each.reason}
            for each in result.coverage
            if each.status in ("skipped", "partly")
        ],
        "counts": {severity: result.counts[severity] for severity in sorted(result.counts)},
        "findings": [_finding(finding) for finding in result.findings],
        "ruleset_digest": result.ruleset_digest,
        "policy_digest": result.policy_digest,
        "content_digest": result.content_digest,
    }
    if ledger:
        document["files"] = [msgspec.to_builtins(each) for each in result.coverage]
    return document


def _finding(finding: Finding) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(finding)
    return {name: plain[name] for name in (*_FIRST, *sorted(set(plain) - set(_FIRST)))}
