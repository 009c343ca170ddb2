"""The README's table is the configuration, its policies and those of the documentation parse cleanly, and importing the plugin is cheap."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from symbi.testing.policy import bundle_of
from symbi_cedar.config import CedarConfig
from symbi_cedar.engine import CedarEngine

HERE = Path(__file__).parents[1]
DOCS = HERE.parents[1] / "docs"


def test_the_readme_lists_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", (HERE / "README.md").read_text(), re.M))
    assert {name: int(value) for name, value in rows.items()} == {
        name: getattr(CedarConfig(), name) for name in CedarConfig.__struct_fields__
    }


@pytest.mark.parametrize("file", [HERE / "README.md", DOCS / "policies.md"], ids=lambda each: each.name)
def test_every_policy_shown_is_a_good_one(file: Path) -> None:
    blocks = re.findall(r"```cedar\n(.*?)```", file.read_text(), re.S)
    assert blocks
    for block in blocks:
        assert CedarEngine().check(bundle_of(block)).findings == (), block


def test_importing_the_plugin_loads_no_vendor_library() -> None:
    code = (
        "import sys, symbi_cedar.plugin as p; list(p.policy_engines());"
        "print(sorted({'cedarpy', 'litestar', 'sqlalchemy', 'click'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
