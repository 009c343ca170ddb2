"""The SDK's words, only where they are switched on."""

from __future__ import annotations

from typing import get_args

import pytest

from symbi.contracts.agents import AgentState, StateWords


@pytest.mark.parametrize("switched_on", [True, False])
async def test_every_state_has_a_word(make_kernel, switched_on):
    async with make_kernel(["symbi_compat.plugin"], tables={"compat": {"sdk_states": switched_on}}) as kernel:
        words = kernel.services.get(StateWords)
        for state in get_args(AgentState):
            word = words.word(state)
            assert (word in {"idle", "active", "error", "stopped"}) if switched_on else word == state
