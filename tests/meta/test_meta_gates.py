"""POL-40: whatever changes something asks the gate, or says here why it need not."""

from __future__ import annotations

import ast

import pytest
from house import PLUGINS, imports, package, tree

MUTATING = {"post", "put", "patch", "delete"}
NO_GATE_NEEDED = {
    "policy": "is the gate",
    "approvals": "is a person's answer to the gate; who may give it is decided there",
    "skills": "scans what it is sent and keeps nothing",
}
UNGATED_EFFECTS = {"sleep", "now", "id", "log", "check", "approval", "wait_event", "brief"}
"""Effects that touch nothing outside the run (`brief`: what a run's model is told and offered), or that ask the gate or a person."""


def mutating_routes(folder) -> list[str]:
    """Return `file:line` of every handler of a plugin that may change something."""
    found = []
    for path in package(folder).rglob("*.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                names = {
                    call.func.id
                    for call in node.decorator_list
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
                }
                if names & MUTATING:
                    found.append(f"{path.name}:{node.lineno}")
    return found


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_whose_routes_change_something_asks_the_gate(folder):
    routes = mutating_routes(folder)
    asks = any(
        module == "symbi.contracts.policy" for path in package(folder).rglob("*.py") for _line, module in imports(path)
    )
    if routes and folder.name not in NO_GATE_NEEDED:
        assert asks, f"{folder.name} changes things at {', '.join(routes)} and never asks the gate"


def test_no_exception_outlives_its_reason():
    assert {folder.name for folder in PLUGINS} >= set(NO_GATE_NEEDED)


def test_only_effects_that_touch_nothing_pass_without_the_gate():
    from symbi.kernel.manager import PluginManager
    from symbi.kernel.points import EFFECT_HANDLERS

    manager = PluginManager()
    manager.discover()
    open_doors = {entry.item.kind for entry in manager.collect(EFFECT_HANDLERS) if not entry.item.gated}
    assert open_doors <= UNGATED_EFFECTS
