"""What decides over a scan besides the rules: the gate, the limits, the operator's exceptions."""

from __future__ import annotations

import hashlib
from datetime import date
from fnmatch import fnmatch

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.scanner import SEVERITIES, Finding, Severity, at_least
from symbi_skills.files.limits import Limits

__all__ = ["ScanPolicy", "Suppression", "parse_suppressions"]


class Suppression(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An exception the operator makes: for one rule, with a reason and an end.

    `path` is a glob of the finding's path, `skill` one of the scan's root, `sha256` ties it to a content. After `expires` it has no effect.
    """

    rule: str
    reason: str
    expires: date
    path: str = "*"
    skill: str = "*"
    sha256: str = ""

    def covers(self, finding: Finding, *, root: str, sha256: str, today: date) -> bool:
        """Tell whether the exception is for this finding and still holds."""
        return (
            self.rule == finding.rule
            and today <= self.expires
            and fnmatch(finding.path, self.path)
            and fnmatch(root, self.skill)
            and (not self.sha256 or self.sha256 == sha256)
        )


class ScanPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's will: what fails a scan, what is let through, what is relaxed.

    `fail_on` is a severity; `fail_rules` fail at any severity; `max_findings` are the counts allowed by severity below the gate.
    `severities` gives single findings another severity (of binaries, for example); `allowed_executables` None means any.
    `enabled` names rules, categories or plugins of opt-in rules; `disabled` names rules.
    """

    fail_on: Severity = "high"
    fail_rules: frozenset[str] = frozenset()
    max_counts: dict[str, int] = {}
    severities: dict[str, Severity] = {}
    demote_examples: bool = False
    enabled: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    allowed_executables: tuple[str, ...] | None = None
    suppressions: tuple[Suppression, ...] = ()
    baseline: frozenset[str] = frozenset()
    excludes: tuple[str, ...] = ()
    limits: Limits = Limits()

    def digest(self) -> str:
        """Return a digest of everything that decides over pass and fail."""
        plain = msgspec.to_builtins(self, str_keys=True)
        for name in ("fail_rules", "enabled", "disabled", "baseline"):
            plain[name] = sorted(plain[name])
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()

    def fails(self, findings: list[Finding]) -> bool:
        """Tell whether these findings fail the scan: unsuppressed, new against the baseline, and bad enough or too many."""
        counted = [finding for finding in findings if not finding.suppressed and not finding.known]
        if any(at_least(finding.severity, self.fail_on) or finding.rule in self.fail_rules for finding in counted):
            return True
        return any(
            sum(finding.severity == severity for finding in counted) > allowed
            for severity, allowed in self.max_counts.items()
        )


def parse_suppressions(content: bytes, *, where: str) -> tuple[Suppression, ...]:
    """Read `[[suppress]]` tables of a TOML file; each needs rule, reason and expires."""
    import tomllib

    try:
        table = tomllib.loads(content.decode())
        return tuple(msgspec.convert(table.get("suppress", []), list[Suppression]))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        hint = 'every [[suppress]] needs rule = "…", reason = "…" and expires = 2027-01-31'
        raise ConfigError(f"suppressions in {where}: {error}", path=where, hint=hint) from None


def check_severity(value: str) -> Severity:
    """Return the severity that `value` names in any case; raises `ConfigError` for another word."""
    lowered = value.lower()
    if lowered not in SEVERITIES:
        raise ConfigError(f"{value!r} is no severity", path="fail_on", hint=f"use one of {', '.join(SEVERITIES)}")
    return lowered
