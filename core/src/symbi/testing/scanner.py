"""The contract of scanner rules: subclass it with `plugin`, and every rule's own examples become its tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.scanner import ScannerRule, SkillScannerService
from symbi.kernel.points import SCANNER_RULES
from symbi.testing.kernels import open_kernel

__all__ = ["ScannerRuleContract"]

_BAIT_BYTES = 400_000
_BAIT_SECONDS = 5.0
_SCANNER = "symbi_skills.plugin"


class ScannerRuleContract:
    """What every rule must do; needs the plugin `skills`, which is the scanner."""

    plugin: Any
    """The plugin module that declares the rules."""
    enable: tuple[str, ...] = ()
    """Ids, categories or plugin names of opt-in rules."""
    file_name: str = "example.txt"
    """The name under which the examples are scanned."""

    def rules(self) -> list[ScannerRule]:
        """Return the rules as the plugin declares them."""
        return list(self.plugin.scanner_rules())

    async def _found(self, folder: Path, texts: list[str]) -> list[set[str]]:
        pytest.importorskip("symbi_skills", reason="pip install symbi-skills")
        tables = {"plugins": {"skills": {"enabled": list(self.enable)}}}
        async with open_kernel(folder, [self.plugin, _SCANNER], tables=tables) as kernel:
            scanner = kernel.services.get(SkillScannerService)
            results = [await scanner.scan_files({self.file_name: text.encode()}, root="") for text in texts]
        return [{finding.rule for finding in result.findings} for result in results]

    async def test_it_declares_rules(self, tmp_path: Path) -> None:
        """The kernel takes every declaration, and ids are not used twice."""
        rules = self.rules()
        assert rules
        assert len({rule.id for rule in rules}) == len(rules)
        async with open_kernel(tmp_path, [self.plugin]) as kernel:
            assert {rule.id for _, rule in kernel.offers(SCANNER_RULES)} == {rule.id for rule in rules}

    def test_every_rule_carries_its_proof(self) -> None:
        """Every rule has a bad and a good example, a message and a remediation."""
        for rule in self.rules():
            assert rule.bad, f"{rule.id} has no bad example"
            assert rule.good, f"{rule.id} has no good example"
            assert rule.remediation, f"{rule.id} says no remediation"

    async def test_bad_examples_are_found(self, tmp_path: Path) -> None:
        """Every bad example is found by its rule."""
        cases = [(rule.id, text) for rule in self.rules() for text in rule.bad]
        found = await self._found(tmp_path, [text for _, text in cases])
        missed = [f"{rule}: {text!r}" for (rule, text), rules in zip(cases, found, strict=True) if rule not in rules]
        assert not missed, "\n".join(missed)

    async def test_good_examples_are_quiet(self, tmp_path: Path) -> None:
        """No good example is found by its rule."""
        cases = [(rule.id, text) for rule in self.rules() for text in rule.good]
        found = await self._found(tmp_path, [text for _, text in cases])
        wrong = [f"{rule}: {text!r}" for (rule, text), rules in zip(cases, found, strict=True) if rule in rules]
        assert not wrong, "\n".join(wrong)

    async def test_hostile_repetition_takes_linear_time(self, tmp_path: Path) -> None:
        """Long lines made of the rules' own words cost no more than they are long."""
        words = [text.split("\n")[0][:40] for rule in self.rules() for text in rule.bad[:1]]
        line = " ".join(words) + " "
        bait = line * (_BAIT_BYTES // len(line) + 1)
        started = time.monotonic()
        await self._found(tmp_path, [bait])
        assert time.monotonic() - started < _BAIT_SECONDS
