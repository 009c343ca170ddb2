"""A rule that another plugin declared and the kernel refused is not silently missing: nothing is passed until it is mended."""

from __future__ import annotations

import types

import pytest

from symbi import hookimpl
from symbi.contracts.errors import Unavailable
from symbi.contracts.scanner import Pattern, ScannerRule, SkillScannerService


async def test_a_duplicate_rule_of_another_plugin_fails_closed(make_kernel):
    rule = ScannerRule(
        id="same",
        category="custom",
        severity="high",
        message="…",
        check=Pattern("evil"),
        bad=("evil",),
        good=("fine",),
        remediation="Do not.",
    )
    one, two = (types.SimpleNamespace(scanner_rules=hookimpl(lambda: [rule])) for _ in range(2))
    async with make_kernel(["symbi_skills.plugin", one]) as kernel:
        assert (await kernel.services.get(SkillScannerService).scan_files({"a.md": b"fine"})).passed
    async with make_kernel(["symbi_skills.plugin", one, two]) as kernel:
        with pytest.raises(Unavailable, match="'same'"):
            await kernel.services.get(SkillScannerService).scan_files({"a.md": b"fine"})
