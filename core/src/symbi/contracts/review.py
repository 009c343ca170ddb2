"""What an analyzer of tools takes and gives: the review contract (spec: toolreview.md §1.4 and §2).

An analyzer reads a submission and never runs it. It may be wrong, slow or broken; then its silence is a gap in the coverage, never a pass.
"""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import msgspec

__all__ = [
    "BANDS",
    "CATEGORIES",
    "SEVERITIES",
    "AnalysisReport",
    "Finding",
    "ObservedPermission",
    "ReviewAnalyzer",
    "Severity",
    "Submission",
    "TraceStep",
    "band_of",
]

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")

CATEGORIES = (
    "analysis_incomplete",
    "backdoor",
    "code_injection",
    "command_injection",
    "credential_access",
    "data_exfiltration",
    "deserialization",
    "destructive",
    "hidden_unicode",
    "insecure_transport",
    "no_source",
    "obfuscation",
    "path_traversal",
    "permission_mismatch",
    "persistence",
    "prompt_injection",
    "resource_abuse",
    "scanner_evasion",
    "secret_exposure",
    "sql_injection",
    "ssrf",
    "supply_chain",
    "template_injection",
    "tool_poisoning",
    "tool_shadowing",
    "xss",
)

BANDS: tuple[tuple[str, int, int], ...] = (("low", 0, 39), ("medium", 40, 69), ("high", 70, 100))


def band_of(score: int) -> str:
    """The band of a risk score: low 0-39, medium 40-69, high 70-100."""
    return next(name for name, low, high in BANDS if low <= score <= high)


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one tool, as its submitter gave it.

    `source_code` may be empty (a schema without code); `language` is "python", "javascript", "typescript", or "" for "find out".
    `known_tools` are names already in use by others, so that look-alikes can be seen.
    """

    tool_name: str
    tool_version: str = ""
    source_code: str = ""
    description: str = ""
    author: str = ""
    permissions: tuple[str, ...] = ()
    language: str = ""
    filename: str = ""
    known_tools: tuple[str, ...] = ()
    schema_text: str = ""


class TraceStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step on the way from a source to a sink; `line` is null when the step is in the metadata."""

    line: int | None
    description: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an analyzer saw.

    `where` is "source" or the metadata field ("description", "tool_name", "permissions"); `line` counts from 1 and is null outside the
    source. `confidence` is in [0, 1]. `fingerprint` survives moved lines and renamed variables. A tag `chain:…` says that the finding is
    one end of an attack chain, which lifts the score by one band. `snippet` never carries an unmasked secret.
    """

    rule: str
    category: str
    severity: Severity
    title: str
    description: str
    recommendation: str
    confidence: float = 0.9
    line: int | None = None
    end_line: int | None = None
    where: str = "source"
    cwe: str = ""
    trace: tuple[TraceStep, ...] = ()
    snippet: str = ""
    fingerprint: str = ""
    analyzer: str = ""
    tags: tuple[str, ...] = ()
    suppressed: bool = False

    @property
    def location(self) -> str:
        """Where it is, in the words of the HTTP API ("line 42", or the metadata field)."""
        return f"line {self.line}" if self.line is not None else self.where


class ObservedPermission(msgspec.Struct, frozen=True, kw_only=True):
    """A capability that the code uses, with the first line that shows it."""

    permission: str
    line: int | None


class AnalysisReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one analyzer has to say about one submission; `complete` is false when any part of it was not looked at."""

    analyzer: str
    version: str
    ruleset: str = ""
    complete: bool = True
    findings: tuple[Finding, ...] = ()
    observed: tuple[ObservedPermission, ...] = ()
    language: str = ""
    normalised_hash: str = ""


@runtime_checkable
class ReviewAnalyzer(Protocol):
    """Looks at a submission; what the extension point `review_analyzers` opens."""

    async def analyze(self, submission: Submission) -> AnalysisReport:
        """Analyze without running anything of the submission.

        A part that cannot be analyzed gives a finding of category `analysis_incomplete` and `complete = False`. An exception, a report of
        another type or a missed deadline counts as the same gap. Findings of an analyzer can only raise the risk.
        """
        ...
