"""The campaign pack holds the contract of rules, is off by default, and stays quiet over the standard library."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

import symbi_campaigns.plugin
from symbi.contracts.scanner import SkillScannerService
from symbi.testing.kernels import open_kernel
from symbi.testing.scanner import ScannerRuleContract


class TestCampaigns(ScannerRuleContract):
    """The contract of rules."""

    plugin = symbi_campaigns.plugin
    enable = ("campaigns",)


def test_every_rule_is_opt_in() -> None:
    assert not any(rule.default for rule in symbi_campaigns.plugin.scanner_rules())


async def test_the_pack_is_quiet_over_the_standard_library(tmp_path: Path) -> None:
    """At most one blocked file in 500; every seventh file of the library stands for all."""
    pytest.importorskip("symbi_skills")
    library = Path(sysconfig.get_paths()["stdlib"])
    files = [path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts][::7]
    contents = {str(path.relative_to(library)): path.read_bytes() for path in files}
    tables = {"plugins": {"skills": {"enabled": ["campaigns"]}}}
    async with open_kernel(tmp_path, [symbi_campaigns.plugin, "symbi_skills.plugin"], tables=tables) as kernel:
        result = await kernel.services.get(SkillScannerService).scan_files(contents)
    blocked = {
        finding.path
        for finding in result.findings
        if finding.plugin == "campaigns" and finding.severity in ("critical", "high")
    }
    assert len(blocked) <= max(1, len(files) // 500), blocked
