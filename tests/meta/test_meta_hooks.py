"""Every hook has a page with its exact signature, a contract class that ships, and an implementation that passes it."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest
from house import PLUGIN_NAMES, PLUGINS, ROOT, package

from symbi.kernel import hookspecs
from symbi.kernel.points import POINTS
from symbi.testing.declarations import DeclarationContract


def page(hook: str) -> str:
    return (ROOT / "docs" / "hooks" / f"{hook}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("hook", sorted(POINTS))
def test_docs_a_hook_has_a_page_with_its_exact_signature(hook):
    signature = f"def {hook}{inspect.signature(getattr(hookspecs, hook))}".replace("'", "")
    assert signature in page(hook)
    assert "## Example" in page(hook)


@pytest.mark.parametrize("hook", sorted(POINTS))
def test_a_hook_has_a_contract_class_that_ships_and_is_used(hook):
    reference = re.search(r"\| tested by \| `([\w.]+)` \|", page(hook))[1]
    module, _, name = reference.rpartition(".")
    assert inspect.isclass(getattr(importlib.import_module(module), name)), reference
    if name != "DeclarationContract":
        used = [
            path
            for folder in [ROOT / "plugins", ROOT / "tests", ROOT / "examples"]
            for path in folder.rglob("test_*.py")
            if name in path.read_text(encoding="utf-8")
        ]
        assert used, f"nothing runs {name}"


@pytest.mark.parametrize("hook", sorted(POINTS))
def test_a_spec_is_a_manual_and_its_body_the_null_implementation(hook):
    spec = getattr(hookspecs, hook)
    assert spec() == ()
    assert "yield" in inspect.getdoc(spec)
    assert "Iterable" in str(inspect.signature(spec))


@pytest.mark.parametrize("folder", PLUGINS, ids=PLUGIN_NAMES)
class TestDeclarations:
    """The contract of declarations, over every plugin of the repository."""

    @pytest.mark.parametrize("check", [name for name in vars(DeclarationContract) if name.startswith("test_")])
    def test_it_passes(self, folder, check):
        contract = DeclarationContract()
        contract.plugin = importlib.import_module(f"{package(folder).name}.plugin")
        getattr(contract, check)()
