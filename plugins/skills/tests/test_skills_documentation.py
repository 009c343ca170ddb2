"""The README and the page name every setting, and the settings are read as they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbi_skills.config import SkillsConfig
from symbi_skills.files.limits import Limits

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("page", ["plugins/skills/README.md", "docs/plugins/skills.md"])
def test_every_setting_is_documented(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for field in (*SkillsConfig.__struct_fields__, *Limits.__struct_fields__):
        assert f"`{field}`" in text, field
