"""The skill scanner: what a rule declares, what a scan answers, and the service that other features ask.

A rule is data. Its `check` says what to look for as patterns in RE2 syntax (no look-around, no back-references), matched line by line
on the text as it is written and on what it means once joined, unmasked and decoded; nothing is compiled when it is declared.
Source: spec/scanner.md sections 1, 3 and 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, get_args, runtime_checkable

import msgspec

from symbi.contracts.offers import Ref

__all__ = [
    "SEVERITIES",
    "Check",
    "Coverage",
    "CoverageStatus",
    "Detector",
    "Finding",
    "FindingContext",
    "Nearby",
    "Pattern",
    "ScanResult",
    "ScannerRule",
    "ScannerRuleSource",
    "Severity",
    "SkillScannerService",
    "at_least",
]

Severity = Literal["critical", "high", "medium", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the worst to the mildest."""

CoverageStatus = Literal["scanned", "partly", "data", "skipped"]
FindingContext = Literal["script", "prose", "example", "frontmatter", "data", "file"]

_RULE_ID = re.compile(r"[a-z0-9]+(?:[-_.:][a-z0-9]+)*")
_RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}


def at_least(severity: Severity, threshold: Severity) -> bool:
    """Tell whether `severity` is as bad as `threshold` or worse."""
    return _RANK[severity] <= _RANK[threshold]


class _Regex(msgspec.Struct, frozen=True):
    regex: str


class Pattern(_Regex, frozen=True, kw_only=True, tag="pattern"):
    """One regular expression that has to match within a logical line.

    What `unless` matches is blanked out of the line before `regex` is tried, so a harmless use beside a harmful one hides nothing.
    Letters match in either case unless `ignore_case` is off. `files` are globs of file names; without any, every text is looked at.
    """

    unless: str = ""
    ignore_case: bool = True
    files: tuple[str, ...] = ()


class _Parts(msgspec.Struct, frozen=True):
    parts: tuple[str, ...]


class Nearby(_Parts, frozen=True, kw_only=True, tag="nearby"):
    """Several expressions that have to match in this order, the last at most `within` lines below the first.

    The finding is reported at the line of the first part. With `ordered` off the parts may stand in any order.
    """

    within: int = 20
    ordered: bool = True
    unless: str = ""
    ignore_case: bool = True
    files: tuple[str, ...] = ()


class _Scan(msgspec.Struct, frozen=True):
    scan: Ref


class Detector(_Scan, frozen=True, kw_only=True, tag="detector"):
    """A function for what expressions cannot say: `scan(text, path)` yields the 1-based numbers of the lines it objects to.

    It is named by a `module:attribute` string and loaded on first use. A detector that raises fails the scan closed: the error names
    its rule and plugin.
    """

    files: tuple[str, ...] = ()


Check = Pattern | Nearby | Detector


class ScannerRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule with its own proof: every text in `bad` is found by it and no text in `good` is.

    `default=False` makes the rule opt-in. `tags` are free words for correlation and listing; `references` are addresses to read.
    """

    id: str
    category: str
    severity: Severity
    message: str
    check: Check | tuple[Check, ...]
    bad: tuple[str, ...]
    good: tuple[str, ...]
    remediation: str = ""
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    default: bool = True

    def __post_init__(self) -> None:
        if not _RULE_ID.fullmatch(self.id):
            raise ValueError(f"rule id {self.id!r} is not of the form lower-case-words-with-hyphens")
        if self.severity not in _RANK:
            raise ValueError(f"rule {self.id}: severity {self.severity!r} is none of {', '.join(SEVERITIES)}")
        if not self.message or not self.category:
            raise ValueError(f"rule {self.id}: message and category must say something")
        if not self.checks:
            raise ValueError(f"rule {self.id}: it checks nothing")

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks, one of which has to match."""
        return self.check if isinstance(self.check, tuple) else (self.check,)


class ScannerRuleSource(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and the plugin (or file) that it came from."""

    plugin: str
    rule: ScannerRule


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found: where, what, how sure, and a fingerprint that survives moved lines.

    `line` is 1-based and None for findings about a whole file; `column` and `end_column` are 1-based characters, end exclusive.
    `snippet` is cleaned for a terminal and shortened. `decoded_from` names what the text was hidden in (`base64`, `joined lines` …).
    """

    rule: str
    category: str
    severity: Severity
    message: str
    path: str
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    snippet: str = ""
    fingerprint: str = ""
    plugin: str = ""
    confidence: Literal["high", "medium", "low"] = "high"
    context: FindingContext = "file"
    decoded_from: str | None = None
    remediation: str = ""
    suppressed: bool = False
    suppression: str = ""
    known: bool = False


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with one file: `reason` says why when it was not scanned in full; `size` is in bytes."""

    path: str
    status: CoverageStatus
    size: int = 0
    sha256: str = ""
    reason: str = ""
    encoding: str = ""


class ScanResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a scan; `passed` means that no unsuppressed (and new) finding reaches the `fail_on` severity."""

    passed: bool
    findings: tuple[Finding, ...]
    scanned_files: int
    scanned_bytes: int
    coverage: tuple[Coverage, ...]
    counts: Mapping[str, int]
    fail_on: str
    ruleset_digest: str
    policy_digest: str
    content_digest: str
    duration_ms: float = 0.0
    schema_version: str = "1"


@runtime_checkable
class SkillScannerService(Protocol):
    """Scans skills before agents load them.

    Neither method executes, follows a link out of what it was given, or uses the network. Both raise `InvalidRequest` for what is not
    there to be scanned (a missing path is an error, never a pass).
    """

    async def scan_path(self, path: Path, /) -> ScanResult:
        """Scan one file, folder or archive of this machine."""
        ...

    async def scan_files(self, files: Mapping[str, bytes], /, *, root: str = "skill") -> ScanResult:
        """Scan contents by relative name, as they will be loaded."""
        ...

    def rules(self) -> Sequence[ScannerRuleSource]:
        """Return the rules in force, in the order of their findings."""
        ...
