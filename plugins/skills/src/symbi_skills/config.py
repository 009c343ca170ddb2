"""The settings of the plugin, `[plugins.skills]` in symbi.toml."""

from __future__ import annotations

from pathlib import Path

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.scanner import ScannerRuleSource, Severity
from symbi_skills.files.limits import Limits
from symbi_skills.policy import ScanPolicy, parse_suppressions

__all__ = ["SkillsConfig"]


class SkillsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is scanned, what fails, and where skills are found."""

    paths: tuple[str, ...] = (".agents/skills", "~/.claude/skills", "~/.codex/skills", "~/.symbi/skills")
    """Folders whose sub-folders are skills."""
    engine: str = "auto"
    """`auto`, `re2`, `python` or `hyperscan`."""
    fail_on: Severity = "high"
    fail_rules: frozenset[str] = frozenset()
    """Rules that fail a scan at any severity."""
    max_counts: dict[str, int] = {}
    """How many findings of a severity are allowed, `{ medium = 5 }`."""
    severities: dict[str, Severity] = {}
    """Another severity for single rules, `{ opaque-binary = "medium" }`."""
    demote_examples: bool = False
    """One severity less for fenced examples in documents; never for critical."""
    enabled: frozenset[str] = frozenset()
    """Opt-in rules by id, category or plugin, `["campaigns"]`."""
    disabled: frozenset[str] = frozenset()
    """Rules that are off, by id."""
    allowed_executables: tuple[str, ...] | None = None
    """The only programs a skill may name: exact, family or glob."""
    packs: tuple[str, ...] = ()
    """Rule packs in YAML or TOML."""
    suppressions: str = ""
    """A TOML file of `[[suppress]]` tables."""
    quarantine: str = ""
    """Where a record of refused skills is kept; empty: nowhere."""
    max_upload_bytes: int = 16 << 20
    """The largest body of `POST /api/v1/scan`."""
    limits: Limits = Limits()

    def policy(self, folder: Path) -> ScanPolicy:
        """Return the policy; files are relative to `folder`. Raises `ConfigError`."""
        suppressions = (
            parse_suppressions(_read(folder, self.suppressions, "suppressions"), where=self.suppressions)
            if self.suppressions
            else ()
        )
        return ScanPolicy(
            fail_on=self.fail_on, fail_rules=self.fail_rules, max_counts=self.max_counts, severities=self.severities,
            demote_examples=self.demote_examples, enabled=self.enabled, disabled=self.disabled, allowed_executables=self.allowed_executables,
            suppressions=suppressions, limits=self.limits,
        )  # fmt: skip

    def pack_rules(self, folder: Path) -> list[ScannerRuleSource]:
        """Return the rules of the packs; raises `ConfigError` naming the pack."""
        from symbi_skills.packs import read_pack

        return [source for pack in self.packs for source in read_pack(_read(folder, pack, "packs"), where=pack)]


def _read(folder: Path, name: str, setting: str) -> bytes:
    try:
        return (folder / Path(name).expanduser()).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{name}: {(error.strerror or 'cannot be read').lower()}", path=f"plugins.skills.{setting}"
        ) from None
