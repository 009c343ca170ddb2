"""The fake gate of the test kit keeps the contract that features rely on."""

from __future__ import annotations

import pytest

from symbi.contracts.errors import PolicyDenied
from symbi.contracts.policy import Gate, PolicyHeld, ReceiptRefused, ResourceFacts
from symbi.testing.gates import FakeGate
from symbi.testing.policy import request_for


async def test_it_allows_holds_denies_and_remembers() -> None:
    gate = FakeGate(["tool_call::clock"], hold=["tool_call::write_*"])
    assert isinstance(gate, Gate)
    receipt = await gate.admit(request_for("clock"))
    assert gate.redeem(receipt) == request_for("clock") == gate.redeemed[0]
    with pytest.raises(ReceiptRefused):
        gate.redeem(receipt)
    with pytest.raises(PolicyDenied):
        await gate.authorize(request_for("rm"))
    with pytest.raises(PolicyHeld) as held:
        await gate.admit(request_for("write_file"))
    gate.granted.add(held.value.approval_id)
    assert (await gate.admit(request_for("write_file"), approval=held.value.approval_id)).decision.allowed
    assert [each.target for each in gate.asked] == ["clock", "rm", "write_file", "write_file"]
    tools = [ResourceFacts(id=name) for name in ("clock", "rm", "write_file")]
    assert gate.visible_tools(request_for(), tools) == ("clock", "write_file")
