"""Text for people: what was found, where, why it matters, what to do."""

from __future__ import annotations

from collections.abc import Iterator

import click

from symbi.contracts.scanner import Finding, ScanResult
from symbi_skills.snippet import clean

__all__ = ["as_text"]

_COLOURS = {"critical": "bright_red", "high": "red", "medium": "yellow", "warning": "blue", "info": "bright_black"}
_MAX_SKIPPED = 10


def as_text(result: ScanResult) -> Iterator[str]:
    """Yield lines, styled; click takes the styles off where there is no terminal."""
    last = None
    for finding in sorted(result.findings, key=lambda each: each.path):
        if finding.path != last:
            if last is not None:
                yield ""
            yield click.style(clean(finding.path), bold=True)
            last = finding.path
        yield from _finding(finding)
    if last is not None:
        yield ""
    skipped = [each for each in result.coverage if each.status in ("skipped", "partly")]
    for each in skipped[:_MAX_SKIPPED]:
        yield click.style(f"not fully inspected: {clean(each.path)}: {clean(each.reason)}", dim=True)
    if len(skipped) > _MAX_SKIPPED:
        yield click.style(f"not fully inspected: {len(skipped) - _MAX_SKIPPED} more (see --format json)", dim=True)
    yield _verdict(result)


def _finding(finding: Finding) -> Iterator[str]:
    place = f"{finding.line}:{finding.column or 1}" if finding.line else "-"
    badge = click.style(f"{finding.severity:<8}", fg=_COLOURS[finding.severity], bold=True)
    note = (
        " [suppressed: " + clean(finding.suppression) + "]"
        if finding.suppressed
        else " [known]"
        if finding.known
        else ""
    )
    made = f" (in {finding.decoded_from})" if finding.decoded_from else ""
    yield f"  {place:>7}  {badge}  {finding.rule}  {clean(finding.message)}{made}{note}"
    if finding.snippet:
        yield click.style(f"           {finding.snippet}", dim=True)
    if finding.remediation:
        yield click.style(f"           → {finding.remediation}", fg="green")


def _verdict(result: ScanResult) -> str:
    files = f"{result.scanned_files} file{'' if result.scanned_files == 1 else 's'}, {_size(result.scanned_bytes)} in {result.duration_ms:.0f} ms"
    counts = (
        ", ".join(f"{result.counts[name]} {name}" for name in _COLOURS if result.counts.get(name)) or "nothing found"
    )
    if result.passed:
        return click.style("passed", fg="green", bold=True) + f": {counts} ({files})"
    return click.style("failed", fg="red", bold=True) + f": {counts}; the gate is {result.fail_on} ({files})"


def _size(amount: int) -> str:
    return (
        f"{amount / 1e6:.1f} MB"
        if amount >= 1_000_000
        else f"{amount / 1e3:.1f} kB"
        if amount >= 1000
        else f"{amount} bytes"
    )
