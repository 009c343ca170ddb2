"""Memory as tools for models: the contract of toolsets, an agent's own scope, and the gate asked about memory too."""

from __future__ import annotations

import pytest

from symbi.contracts.errors import Conflict, PolicyDenied
from symbi.kernel.points import TOOLS
from symbi.testing.effects import effect_context
from symbi.testing.tools import ToolsetContract
from symbi_context import plugin


class TestContract(ToolsetContract):
    plugin = plugin
    name = "memory"
    calls = (
        ("memory_save", {"text": "a remark"}),
        ("memory_search", {"query": "remark"}),
        ("memory_block_write", {"label": "a", "text": "b"}),
        ("memory_forget", {"id": "x"}),
    )


async def test_a_model_saves_finds_and_forgets_only_in_its_own_memory(house, tmp_path):
    async with house() as home, home.kernel.open(TOOLS, "memory") as tools:
        mine, other = (effect_context(tmp_path, agent_id=agent) for agent in ("agent-a", "agent-b"))
        saved = await tools.call("memory_save", {"text": "the gate opens at six"}, run=mine)
        [found] = await tools.call("memory_search", {"query": "when does the gate open"}, run=mine)
        assert (found["id"], found["own"]) == (saved["id"], True)
        assert await tools.call("memory_search", {"query": "gate"}, run=other) == []
        assert (await tools.call("memory_forget", {"id": saved["id"]}, run=other))["forgotten"] == 0
        assert (await tools.call("memory_forget", {"id": saved["id"]}, run=mine)) == {"forgotten": 1, "complete": True}
        block = {"label": "persona", "text": "calm", "expected": 0}
        assert (await tools.call("memory_block_write", block, run=mine))["version"] == 1
        with pytest.raises(Conflict):
            await tools.call("memory_block_write", block, run=mine)


async def test_pol_40_a_tool_is_no_way_round_what_policy_says_of_memory(house, governed, rules_of, tmp_path):
    rules = rules_of(people=3)
    async with house(governed(rules)) as home, home.kernel.open(TOOLS, "memory") as tools:
        for name, arguments in (
            ("memory_search", {"query": "x"}),
            ("memory_save", {"text": "x"}),
            ("memory_forget", {"id": "x"}),
            ("memory_block_write", {"label": "a", "text": "x"}),
        ):
            with pytest.raises(PolicyDenied):
                await tools.call(name, arguments, run=effect_context(tmp_path, agent_id="agent-a"))
        assert [action for action, _ in rules.asked] == ["memory_read", "memory_write", "memory_forget", "memory_write"]
