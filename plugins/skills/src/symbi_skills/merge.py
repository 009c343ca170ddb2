"""The results of several roots as one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from symbi.contracts.scanner import ScanResult

__all__ = ["merged"]


def merged(results: Sequence[ScanResult]) -> ScanResult:
    """Return one result: passed if all passed, everything else added up in order."""
    first = results[0]
    if len(results) == 1:
        return first
    counts: dict[str, int] = {}
    for result in results:
        for severity, count in result.counts.items():
            counts[severity] = counts.get(severity, 0) + count
    return msgspec.structs.replace(
        first,
        passed=all(result.passed for result in results),
        findings=tuple(finding for result in results for finding in result.findings),
        scanned_files=sum(result.scanned_files for result in results),
        scanned_bytes=sum(result.scanned_bytes for result in results),
        coverage=tuple(each for result in results for each in result.coverage),
        counts=counts,
        content_digest=hashlib.sha256("".join(result.content_digest for result in results).encode()).hexdigest(),
        duration_ms=sum(result.duration_ms for result in results),
    )
