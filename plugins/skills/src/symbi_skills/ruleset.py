"""Rules compiled once: every expression in one matcher, every check as numbers into it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from typing import NamedTuple

import msgspec

from symbi.contracts.errors import PluginError
from symbi.contracts.scanner import Check, Detector, Nearby, Pattern, ScannerRule, ScannerRuleSource
from symbi_skills.engines import Engine
from symbi_skills.meta import META
from symbi_skills.regex.nodes import Node
from symbi_skills.regex.parse import RegexError, parse
from symbi_skills.text.signals import HINTS, NAMES, SIGNALS, signal_nodes

__all__ = ["CompiledCheck", "RuleSet"]


class CompiledCheck(NamedTuple):
    """One check: the rule it belongs to, the numbers of its expressions, and how they have to stand."""

    rule: int
    parts: tuple[int, ...]
    unless: int | None
    within: int
    ordered: bool
    files: tuple[str, ...]

    def looks_at(self, name: str) -> bool:
        """Tell whether the check is meant for a file of that name."""
        return not self.files or any(
            fnmatch(name, pattern) or fnmatch(name.rsplit("/", 1)[-1], pattern) for pattern in self.files
        )


class RuleSet:
    """The rules in force, in order.

    Raises `PluginError` naming rule and plugin for an expression that is wrong or not linear, and for an id that is taken.
    """

    def __init__(self, sources: Iterable[ScannerRuleSource], engine: Engine) -> None:
        self.sources = tuple(sources)
        self.engine = engine.name
        self._digest = ""
        self._refuse_duplicates()
        self._nodes: list[Node] = []
        self._owners: list[int] = []
        self._quiet: set[int] = set()
        self._known: dict[tuple[str, bool], int] = {}
        for node in signal_nodes():
            self._append(node, -1)
        self.checks: list[CompiledCheck] = []
        self.detectors: list[tuple[int, Detector]] = []
        for number, source in enumerate(self.sources):
            for check in source.rule.checks:
                self._compile(number, check)
        try:
            self.matcher = engine.compile(
                self._nodes,
                quiet=frozenset(self._quiet),
                hints={NAMES.index(name): hint for name, hint in HINTS.items()},
            )
        except RegexError as error:
            raise self._refused(error) from None
        self.by_part: dict[int, list[int]] = {}
        for index, compiled in enumerate(self.checks):
            for part in compiled.parts:
                self.by_part.setdefault(part, []).append(index)

    @property
    def rules(self) -> tuple[ScannerRule, ...]:
        """The rules without their sources."""
        return tuple(source.rule for source in self.sources)

    def digest(self) -> str:
        """Return a digest of everything that decides what is found."""
        if not self._digest:
            content = msgspec.json.encode([(source.plugin, source.rule) for source in self.sources], enc_hook=_named)
            self._digest = hashlib.sha256(content + repr(sorted(SIGNALS.items())).encode()).hexdigest()
        return self._digest

    def _refuse_duplicates(self) -> None:
        owners: dict[str, str] = {}
        for source in self.sources:
            rule = source.rule.id
            if rule in owners or rule in META:
                first = owners.get(rule, "skills (a finding of the scanner itself)")
                raise PluginError(
                    f"scanner rule {rule!r} of {source.plugin} has the id of a rule of {first}",
                    plugin=source.plugin,
                    hint="give one of the two another id, or disable a plugin",
                )
            owners[rule] = source.plugin

    def _append(self, node: Node, owner: int) -> int:
        self._nodes.append(node)
        self._owners.append(owner)
        return len(self._nodes) - 1

    def _expression(self, regex: str, ignore_case: bool, rule: int, *, quiet: bool = False) -> int:
        key = (regex, ignore_case)
        number = self._known.get(key)
        if number is None:
            try:
                number = self._known[key] = self._append(parse(regex, ignore_case=ignore_case), rule)
            except RegexError as error:
                raise self._error(rule, str(error)) from None
            if quiet:
                self._quiet.add(number)
        elif not quiet:
            self._quiet.discard(number)
        return number

    def _compile(self, rule: int, check: Check) -> None:
        if isinstance(check, Detector):
            self.detectors.append((rule, check))
            return
        texts: Sequence[str] = (check.regex,) if isinstance(check, Pattern) else check.parts
        parts = tuple(self._expression(text, check.ignore_case, rule) for text in texts)
        unless = self._expression(check.unless, check.ignore_case, rule, quiet=True) if check.unless else None
        within = check.within if isinstance(check, Nearby) else 0
        ordered = check.ordered if isinstance(check, Nearby) else True
        self.checks.append(CompiledCheck(rule, parts, unless, within, ordered, check.files))

    def _error(self, rule: int, why: str) -> PluginError:
        source = self.sources[rule]
        return PluginError(
            f"scanner rule {source.rule.id!r} of {source.plugin}: {why}",
            plugin=source.plugin,
            hint="correct the rule, or disable it by its id",
        )

    def _refused(self, error: RegexError) -> PluginError:
        number = error.args[0]
        owner = self._owners[number] if isinstance(number, int) and 0 <= number < len(self._owners) else -1
        why = str(error.args[-1])
        return self._error(owner, why) if owner >= 0 else PluginError(why, plugin="skills")

    def verify(self) -> None:
        """Compile every expression now; raises `PluginError` naming the rule of one that its engine refuses."""
        check = getattr(self.matcher, "check", None)
        if check is not None:
            try:
                check()
            except RegexError as error:
                raise self._refused(error) from None


def _named(value: object) -> str:
    return f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', value)}"
