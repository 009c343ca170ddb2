"""A plugin module is a table of contents: neither importing it nor calling its hooks loads a vendor library."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from house import PLUGIN_NAMES, PLUGINS, package

CODE = """
import importlib, json, sys
import symbi, symbi.kernel.hookspecs as hookspecs
import msgspec, pluggy
before = set(sys.modules)
module = importlib.import_module({module!r})
for name in dir(module):
    hook = getattr(module, name)
    if callable(hook) and hasattr(hook, "symbi_impl"):
        list(hook() or ())
loaded = {{name.split(".")[0] for name in set(sys.modules) - before}}
own = {{"symbi", {own!r}}}
print(json.dumps(sorted(loaded - own - set(sys.stdlib_module_names))))
"""


@pytest.mark.parametrize("folder", PLUGINS, ids=PLUGIN_NAMES)
def test_declaring_loads_no_vendor_library(folder):
    own = package(folder).name
    code = CODE.format(module=f"{own}.plugin", own=own)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == []
