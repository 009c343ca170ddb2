"""The README's table of settings is the configuration."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from symbi_approvals.config import ApprovalsConfig


def test_the_readme_lists_every_setting_with_its_default() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.M))
    assert set(rows) == set(ApprovalsConfig.__struct_fields__)
    for name, default in rows.items():
        value = getattr(ApprovalsConfig(), name)
        assert default.strip().strip('"') == (f"{value:g}" if isinstance(value, float) else str(value)), name


def test_importing_the_plugin_loads_no_heavy_library() -> None:
    code = (
        "import sys, symbi_approvals.plugin as p;"
        "[list(hook()) for name, hook in vars(p).items() if callable(hook) and name in "
        "('services', 'routes', 'commands', 'tables', 'metrics_sources')];"
        "print(sorted({'litestar', 'sqlalchemy', 'click', 'watchfiles', 'yaml'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
