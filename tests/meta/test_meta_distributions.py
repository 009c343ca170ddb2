"""Every folder below plugins/ is a distribution of the agreed shape, listed by the umbrella, documented, tested."""

from __future__ import annotations

import importlib
import re

import msgspec
import pytest
from house import PLUGIN_NAMES, PLUGINS, ROOT, package, pyproject

from symbi.contracts.offers import Offer
from symbi.kernel.manager import PluginManager
from symbi.kernel.points import POINTS


@pytest.mark.parametrize("folder", PLUGINS, ids=PLUGIN_NAMES)
def test_the_distribution_has_the_agreed_shape(folder):
    facts = pyproject(folder)
    project = facts["project"]
    name = folder.name
    assert project["name"] == f"symbi-{name}"
    assert project["entry-points"]["symbi.plugins"] == {name: f"{package(folder).name}.plugin"}
    assert facts["build-system"]["build-backend"] == "flit_core.buildapi"
    assert project["requires-python"] == ">=3.11"
    assert "Apache-2.0" in str(project["license"])
    assert any(each.startswith("symbi-core") for each in project["dependencies"])
    assert (package(folder) / "py.typed").exists()
    assert list((folder / "tests").glob("test_*.py")), "a plugin has tests beside it"


@pytest.mark.parametrize("folder", PLUGINS, ids=PLUGIN_NAMES)
def test_every_dependency_has_a_lower_bound(folder):
    for dependency in pyproject(folder)["project"]["dependencies"]:
        assert ">=" in dependency or " @ " in dependency, dependency


def test_the_umbrella_and_the_developers_list_name_every_plugin():
    facts = pyproject(ROOT)["project"]
    named = {line.split(" @ ")[0] for line in facts["dependencies"]}
    assert named == {"symbi-core", *(f"symbi-{name}" for name in PLUGIN_NAMES)}
    listed = re.findall(r"^-e \./plugins/(\S+)$", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(PLUGIN_NAMES)


@pytest.mark.parametrize("folder", PLUGINS, ids=PLUGIN_NAMES)
def test_the_readme_and_the_page_describe_every_setting(folder):
    readme = (folder / "README.md").read_text(encoding="utf-8")
    page = ROOT / "docs" / "plugins" / f"{folder.name}.md"
    assert page.exists(), f"docs/plugins/{folder.name}.md is missing"
    for field in settings_of(folder):
        assert f"`{field}`" in readme, f"README.md of {folder.name} does not mention the setting {field}"


def settings_of(folder) -> list[str]:
    manager = PluginManager()
    manager.register(importlib.import_module(f"{package(folder).name}.plugin"), folder.name)
    found: list[str] = []
    for point in POINTS.values():
        for entry in manager.collect(point):
            if isinstance(entry.item, Offer):
                kind = entry.item.config_type()
                assert issubclass(kind, msgspec.Struct)
                assert kind.__struct_config__.frozen, f"{kind} must be frozen"
                assert kind.__struct_config__.forbid_unknown_fields, f"{kind} must refuse unknown fields"
                found += kind.__struct_encode_fields__
    assert manager.records[folder.name].faults == []
    return found
