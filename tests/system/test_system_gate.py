"""Gate, Cedar, approvals and audit together: what one of them promises alone must hold for all of them (POL-*, RSN-61)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.approvals import Approvals
from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import PolicyDenied
from symbi.contracts.policy import AgentFacts, Gate, PolicyHeld, PolicyRequest, ResourceFacts
from symbi.contracts.principal import LOCAL_ADMIN, Principal

PLUGINS = ["symbi_policy.plugin", "symbi_cedar.plugin", "symbi_approvals.plugin", "symbi_audit.plugin"]
EXAMPLES = Path(__file__).parents[2] / "examples" / "policies"
ANN = Principal(id="user:ann", kind="user", admin=True)
SCRIBE = AgentFacts(id="8f7c0b4e-0000-4000-8000-000000000001", name="scribe", groups=("writers",), revision="1")


def call(tool: str, agent: AgentFacts = SCRIBE, **arguments: Any) -> PolicyRequest:
    return PolicyRequest(
        principal=LOCAL_ADMIN,
        action="tool_call",
        target=tool,
        arguments=arguments,
        agent=agent,
        run_id="r",
        call_id=f"{tool}:{arguments}",
    )


@pytest.fixture
def runtime(make_kernel: Any) -> Any:
    @asynccontextmanager
    async def build(directory: Path = EXAMPLES, **policy: Any) -> AsyncIterator[Any]:
        tables = {"policy": {"directory": str(directory), "watch": False, **policy}}
        async with make_kernel(PLUGINS, tables=tables) as kernel:
            yield kernel

    return build


async def test_the_example_policies_decide_and_everything_is_on_record(runtime: Any) -> None:
    hello = AgentFacts(id="h", name="hello")
    async with runtime() as kernel:
        gate = kernel.services.get(Gate)
        assert gate.redeem(await gate.admit(call("clock", hello))).target == "clock"
        with pytest.raises(PolicyDenied) as caught:
            await gate.admit(call("http_get", hello, url="https://example.com"))
        assert caught.value.details["policies"] == ["nobody-fetches-from-the-network"]
        assert "no network" in caught.value.details["advice"][0]
        log = kernel.services.get(AuditLog)
        found = [(each.outcome, each.subject) for each in await log.read(kind="policy.decision")]
        assert found == [("allow", "tool_call::clock"), ("deny", "tool_call::http_get")]
        assert (await log.verify()).ok
        tools = [ResourceFacts(id=name) for name in ("clock", "http_get", "read_file")]
        assert gate.visible_tools(call("", hello), tools) == ("clock",)


async def test_hold_edit_approve_and_go_on_after_a_restart(runtime: Any) -> None:
    request = call("write_file", path="report.txt", text="draft")
    async with runtime() as kernel:
        with pytest.raises(PolicyHeld) as held:
            await kernel.services.get(Gate).admit(request)
        approval = held.value.approval_id
        pending = asyncio.create_task(kernel.services.get(Approvals).wait(approval))
        await kernel.services.get(Approvals).approve(
            approval, by=ANN, arguments={"path": "report.txt", "text": "final"}
        )
        assert (await asyncio.wait_for(pending, 5)).status == "approved"
    async with runtime() as kernel:
        gate = kernel.services.get(Gate)
        receipt = await gate.admit(request, approval=approval)
        assert gate.redeem(receipt).arguments["text"] == "final"
        kinds = [each.kind for each in await kernel.services.get(AuditLog).read() if not each.kind.startswith("audit.")]
        assert kinds == ["policy.decision", "approval.decision", "approval.decision", "policy.decision"]


async def test_an_edit_that_policy_forbids_is_denied_though_a_person_agreed(runtime: Any) -> None:
    async with runtime() as kernel:
        gate, approvals = kernel.services.get(Gate), kernel.services.get(Approvals)
        request = call("write_file", path="report.txt")
        with pytest.raises(PolicyHeld) as held:
            await gate.admit(request)
        await approvals.approve(held.value.approval_id, by=ANN, arguments={"path": "../../etc/passwd"})
        with pytest.raises(PolicyDenied, match="never-outside-the-folder"):
            await gate.admit(request, approval=held.value.approval_id)


async def test_an_argument_changed_after_the_approval_needs_another(runtime: Any) -> None:
    async with runtime() as kernel:
        gate, approvals = kernel.services.get(Gate), kernel.services.get(Approvals)
        request = call("write_file", path="report.txt")
        with pytest.raises(PolicyHeld) as held:
            await gate.admit(request)
        await approvals.approve(held.value.approval_id, by=ANN)
        with pytest.raises(PolicyHeld) as again:
            await gate.admit(call("write_file", path="other.txt"), approval=held.value.approval_id)
        assert again.value.approval_id != held.value.approval_id


async def test_expired_is_denied(runtime: Any, tmp_path: Path) -> None:
    async with runtime() as kernel:
        gate, approvals = kernel.services.get(Gate), kernel.services.get(Approvals)
        request = call("write_file", path="report.txt")
        held = await approvals.hold(
            request, reason="", group="operators", policy_revision=gate.revision, timeout_seconds=0.05
        )
        assert (await asyncio.wait_for(approvals.wait(held.id), 5)).status == "expired"
        with pytest.raises(PolicyDenied, match="nobody answered in time"):
            await gate.admit(request, approval=held.id)


async def test_a_rate_of_the_examples_holds(runtime: Any) -> None:
    async with runtime() as kernel:
        gate = kernel.services.get(Gate)
        for number in range(30):
            await gate.admit(call("write_file", path=f"notes/{number}"))
        with pytest.raises(PolicyDenied, match="30 times in 60 s"):
            await gate.admit(call("write_file", path="notes/30"))


async def test_hidden_text_and_a_folder_for_nobody_are_found(runtime: Any, tmp_path: Path) -> None:
    policies = tmp_path / "p"
    policies.mkdir()
    (policies / "a.cedar").write_text('@id("a") permit (principal, action, resource) when { true\u200b };')
    async with runtime(policies) as kernel:
        status = kernel.services.get(Gate).status()
        assert "hidden-character" in {each.code for each in status.findings}
        with pytest.raises(PolicyDenied):
            await kernel.services.get(Gate).admit(call("clock"))
