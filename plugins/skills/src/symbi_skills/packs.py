"""Rule packs in YAML or TOML: the same declarations as a plugin's, without a plugin."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.scanner import Check, Nearby, Pattern, ScannerRule, ScannerRuleSource, Severity

__all__ = ["read_pack"]

_MAX_BYTES = 4 << 20


class _PackCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pattern: str = ""
    nearby: tuple[str, ...] = ()
    within: int = 20
    ordered: bool = True
    unless: str = ""
    ignore_case: bool = True
    files: tuple[str, ...] = ()

    def check(self) -> Check:
        if bool(self.pattern) == bool(self.nearby):
            raise ValueError("a check has either `pattern` or `nearby`")
        if self.pattern:
            return Pattern(self.pattern, unless=self.unless, ignore_case=self.ignore_case, files=self.files)
        return Nearby(
            self.nearby,
            within=self.within,
            ordered=self.ordered,
            unless=self.unless,
            ignore_case=self.ignore_case,
            files=self.files,
        )


class _PackRule(_PackCheck, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    severity: Severity
    message: str
    category: str = "custom"
    checks: tuple[_PackCheck, ...] = ()
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    remediation: str = ""
    references: tuple[str, ...] = ()


class _Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rules: tuple[_PackRule, ...]
    name: str = ""


def read_pack(content: bytes, *, where: str) -> list[ScannerRuleSource]:
    """Return the rules of a pack; raises `ConfigError` that names the file and what is wrong with it."""
    try:
        pack = msgspec.convert(_load(content, where), _Pack)
        plugin = pack.name or where
        return [ScannerRuleSource(plugin=plugin, rule=_rule(rule)) for rule in pack.rules]
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(
            f"rule pack {where}: {error}", path=where, hint="rules: [{id, severity, message, pattern, bad, good}]"
        ) from None


def _load(content: bytes, where: str) -> Any:
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it is larger than {_MAX_BYTES} bytes")
    if where.endswith(".toml"):
        import tomllib

        return tomllib.loads(content.decode())
    from symbi_skills.yaml_plain import load_plain_yaml

    return load_plain_yaml(content)


def _rule(rule: _PackRule) -> ScannerRule:
    checks = [check.check() for check in rule.checks]
    if rule.pattern or rule.nearby or not checks:
        checks.insert(0, rule.check())
    return ScannerRule(
        id=rule.id, category=rule.category, severity=rule.severity, message=rule.message, check=tuple(checks), bad=rule.bad, good=rule.good,
        remediation=rule.remediation, references=rule.references,
    )  # fmt: skip
