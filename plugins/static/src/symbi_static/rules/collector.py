"""Collects findings, with fingerprints that survive moved lines and renamed variables."""

from __future__ import annotations

import hashlib

import msgspec

from symbi.contracts.review import Finding, Severity, TraceStep
from symbi_static.flow.values import Trace
from symbi_static.ir.nodes import Expr, dump
from symbi_static.rules.catalogue import RULES
from symbi_static.text.masking import mask

__all__ = ["Collector"]


class Collector:
    """Keeps one finding per rule and place, the one with a trace if there is a choice."""

    def __init__(self, source: str, *, analyzer: str = "static") -> None:
        self._lines = source.splitlines()
        self._analyzer = analyzer
        self._found: dict[tuple[str, int | None, str], Finding] = {}
        self._seeds: dict[tuple[str, int | None, str], str] = {}

    def add(
        self,
        rule: str,
        description: str,
        *,
        line: int | None = None,
        end: int | None = None,
        node: Expr | None = None,
        trace: Trace = (),
        where: str = "source",
        confidence: float = 0.9,
        severity: Severity | None = None,
        tags: tuple[str, ...] = (),
        seed: str = "",
    ) -> None:
        """Add a finding of a rule of the catalogue."""
        info = RULES[rule]
        if node is not None:
            line, end = line or node.line, end or node.end
        key = (rule, line, where)
        old = self._found.get(key)
        if old is not None and (old.confidence, len(old.trace)) >= (confidence, 1 if trace else 0):
            return
        steps = tuple(TraceStep(line=at, description=text) for at, text in trace)
        if line is not None and (not steps or steps[-1].line != line):
            steps = (*steps, TraceStep(line=line, description=info.title))
        self._found[key] = Finding(
            rule=rule,
            category=info.category,
            severity=severity or info.severity,
            title=info.title,
            description=mask(description),
            recommendation=info.recommendation,
            confidence=confidence,
            line=line,
            end_line=end if end is not None else line,
            where=where,
            cwe=info.cwe,
            trace=steps,
            snippet=self._snippet(line),
            analyzer=self._analyzer,
            tags=tags,
        )
        self._seeds[key] = dump(node) if node is not None else seed or description

    def _snippet(self, line: int | None) -> str:
        if line is None or not 1 <= line <= len(self._lines):
            return ""
        return mask(self._lines[line - 1].strip()[:200])

    def has(self, *categories: str) -> bool:
        """Whether a finding of one of the categories is there."""
        return any(finding.category in categories for finding in self._found.values())

    def findings(self) -> tuple[Finding, ...]:
        """All findings, strongest first, in an order that never changes."""
        order = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}
        keys = sorted(self._found, key=lambda k: (order[self._found[k].severity], k[1] or 0, k[0], k[2]))
        seen: dict[str, int] = {}
        out = []
        for key in sorted(keys, key=lambda k: (k[0], k[1] or 0)):
            base = f"{key[0]}|{key[2]}|{self._seeds[key]}"
            seen[base] = seen.get(base, 0) + 1
            digest = hashlib.sha256(f"{base}|{seen[base]}".encode()).hexdigest()[:24]
            self._found[key] = msgspec.structs.replace(self._found[key], fingerprint=digest)
        for key in keys:
            out.append(self._found[key])
        return tuple(out)
