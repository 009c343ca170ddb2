"""Who may import whom: core no plugin, no plugin another, nobody the manager's inside."""

from __future__ import annotations

import pytest
from house import PLUGINS, ROOT, imports, package, sources

CLOSED = ("symbi.kernel.manager", "symbi.kernel.lifecycle", "symbi.kernel.discovery")


def test_core_imports_no_plugin():
    bad = [
        f"{path}:{line} {module}"
        for path in (ROOT / "core" / "src").rglob("*.py")
        for line, module in imports(path)
        if module.startswith("symbi_")
    ]
    assert bad == []


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_imports_no_other_plugin_and_not_the_managers_inside(folder):
    own = package(folder).name
    bad = []
    for path in [*(folder / "src").rglob("*.py"), *(folder / "tests").rglob("*.py")]:
        if "corpus" in path.parts:
            continue
        for line, module in imports(path):
            top = module.split(".")[0]
            if top.startswith("symbi_") and top != own:
                bad.append(f"{path}:{line} imports {module}")
            if module.startswith(CLOSED) and "tests" not in path.parts:
                bad.append(f"{path}:{line} imports {module}")
            if module.startswith("symbi.testing") and "tests" not in path.parts:
                bad.append(f"{path}:{line} imports {module}")
    assert bad == []


def test_contracts_import_only_msgspec_and_the_standard_library():
    import sys

    allowed = {*sys.stdlib_module_names, "msgspec", "symbi"}
    bad = [
        f"{path}:{line} {module}"
        for path in sources()
        if "contracts" in path.parts
        for line, module in imports(path)
        if module.split(".")[0] not in allowed
    ]
    assert bad == []
