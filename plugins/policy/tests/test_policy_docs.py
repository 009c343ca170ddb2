"""The README's table of settings is the configuration, and the examples of the documentation hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from symbi_policy.config import PolicyConfig
from symbi_policy.plugin import commands

HERE = Path(__file__).parents[1]


def test_the_readme_lists_every_setting_with_its_default() -> None:
    text = (HERE / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.M))
    assert set(rows) == set(PolicyConfig.__struct_fields__)
    for name, default in rows.items():
        value = getattr(PolicyConfig(), name)
        shown = (
            str(list(value))
            if isinstance(value, tuple)
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
        )
        assert default.strip().strip('"') == shown.strip('"'), name


def test_the_commands_that_the_readme_names_exist() -> None:
    from symbi_policy.cli import policy

    named = re.search(r"`symbi policy (check \|[^`]+)`", (HERE / "README.md").read_text())
    assert named is not None
    assert set(named[1].replace(" ", "").split("|")) <= set(policy.commands)
    assert [each.name for each in commands()] == ["policy"]


def test_importing_the_plugin_loads_no_heavy_library() -> None:
    code = (
        "import sys, symbi_policy.plugin as p;"
        "[list(hook()) for name, hook in vars(p).items() if callable(hook) and name in "
        "('services', 'routes', 'commands', 'tables', 'metrics_sources')];"
        "print(sorted({'litestar', 'sqlalchemy', 'click', 'watchfiles', 'yaml'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
