"""Approvals in the room: shown with buttons, decided by mapped people with the right, locked afterwards (channels.md §4.14)."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from symbi.contracts.approvals import Approval, ApprovalRequested, ApprovalResolved, Vote
from symbi.contracts.errors import Conflict, Forbidden, NotFound

IDENT = "0123456789abcdef"


class FakeApprovals:
    """One held action; who holds the role `ops` may decide, as the real list has it."""

    def __init__(self, run_id=""):
        self.context = None
        self.approval = Approval(
            id=IDENT,
            agent_id="a",
            run_id=run_id,
            kind="tool_call",
            action="tool_call",
            target="restart",
            summary="helper: restart db",
            reason="policy",
            group="ops",
            status="pending",
            created_at="2026-01-01T00:00:00Z",
            expires_at="2026-01-01T01:00:00Z",
            action_hash="h",
            policy_revision="r",
            agent_revision="r",
            requested_by="user:x",
        )
        self.calls = []

    async def list(self, *, status=None, run_id=None, limit=100):
        return [self.approval] if status in (None, self.approval.status) else []

    async def get(self, ident):
        if ident != IDENT:
            raise NotFound("no such approval")
        return self.approval

    async def approve(self, ident, *, by, reason="", arguments=None):
        return await self._vote(ident, by, "approved", reason)

    async def deny(self, ident, *, by, reason=""):
        return await self._vote(ident, by, "denied", reason)

    async def _vote(self, ident, by, status, reason):
        found = await self.get(ident)
        self.calls.append((by, status, reason))
        if "ops" not in by.roles:
            raise Forbidden("this needs the role ops")
        if found.status != "pending":
            raise Conflict(f"the action is {found.status} already", code="already_resolved")
        vote = Vote(principal=by.id, verdict="approve" if status == "approved" else "deny", at="2026-01-01T00:00:01Z")
        self.approval = msgspec.structs.replace(
            found, status=status, votes=(vote,), resolved_by=by.id, resolution_reason=reason
        )
        self.context.events.publish(ApprovalResolved(approval=self.approval))
        return self.approval

    async def wait(self, ident):
        return self.approval

    async def hold(self, request, **options):
        return self.approval

    async def cancel(self, ident, *, reason):
        return self.approval

    async def arguments_of(self, ident):
        return msgspec.UNSET


@pytest.fixture
async def world(tmp_path, make_world):
    made = make_world(FakeApprovals())
    made.approvals.approval = msgspec.structs.replace(made.approvals.approval, status="cancelled")
    async with made.opened(tmp_path) as opened:
        made.approvals.approval = msgspec.structs.replace(made.approvals.approval, status="pending")
        yield opened


def ask(world):
    world.service.context.events.publish(ApprovalRequested(approval=world.approvals.approval))


async def test_a_button_decides_and_the_message_is_locked_in_place(world, message, until):
    await world.channel(approvals_to="C-ops")
    ask(world)
    await until(lambda: world.room.sent)
    (shown,) = world.room.sent
    assert shown.conversation == "C-ops"
    assert [button.value for button in shown.buttons] == [f"approval:approve:{IDENT}", f"approval:deny:{IDENT}"]
    await world.room.push(
        message("", kind="action", action=f"approval:approve:{IDENT}", conversation="C-ops", number=5)
    )
    await until(lambda: world.room.edited)
    ((edited, after),) = world.room.edited
    assert edited == "m1"
    assert after.buttons == ()
    assert "Approved" in after.text
    assert "user:person-U1" in after.text
    await until(lambda: len(world.room.sent) == 2)
    assert (world.room.sent[1].only_for, "approved" in world.room.sent[1].text) == ("U1", True)
    (by, status, _) = world.approvals.calls[0]
    assert (by.id, by.roles, by.admin, status) == ("user:person-U1", {"ops"}, False, "approved")


async def test_a_pressed_button_counts_once_and_a_late_one_is_told(world, message, until):
    await world.channel(approvals_to="C-ops")
    ask(world)
    press = message("", kind="action", action=f"approval:deny:{IDENT}", number=5)
    for _ in range(3):
        await world.room.push(press)
    await world.room.push(message("", kind="action", action=f"approval:approve:{IDENT}", number=6))
    await until(lambda: len(world.room.sent) == 3)
    assert [status for _, status, _ in world.approvals.calls] == ["denied", "approved"]
    assert world.approvals.approval.status == "denied"
    assert any("did not count" in each.text for each in world.room.sent)


async def test_a_person_without_the_role_and_a_stranger_decide_nothing(world, message, until):
    ident = await world.channel(approvals_to="C-ops", people=())
    body = {"platform_user_id": "U2", "symbiont_user_id": "bob", "display_name": "Bob", "roles": []}
    await world.client.post(f"/channels/{ident}/mappings", json=body)
    for user in ("U2", "U9"):
        await world.hook(ident, message(f"approve {IDENT}", sender_id=user, event_id=f"E-{user}"))
    await until(lambda: len(world.room.sent) == 2)
    assert [by.id for by, _, _ in world.approvals.calls] == ["user:bob"]
    assert any("may not decide" in each.text for each in world.room.sent)
    assert world.approvals.approval.status == "pending"
    assert [each.outcome for each in world.audit.records if each.kind == "channel.approval.vote"] == ["denied"]


async def test_commands_decide_with_a_reason_and_pending_lists(world, message, until):
    await world.channel()
    await world.room.push(message("pending", number=1))
    await until(lambda: world.room.sent)
    assert IDENT in world.room.sent[0].text
    await world.room.push(message(f"deny {IDENT} not on a Friday", number=2))
    await until(lambda: world.approvals.calls)
    assert world.approvals.calls[0][1:] == ("denied", "not on a Friday")


async def test_what_a_run_of_the_channel_asks_is_shown_in_its_thread(world, message, until):
    world.runs.answer = None
    await world.channel()
    await world.room.push(message(number=3))
    await until(lambda: any(each.kind == "channel.agent.invoked" for each in world.audit.records))
    await asyncio.sleep(0.05)
    world.approvals.approval = msgspec.structs.replace(world.approvals.approval, run_id="run-1")
    ask(world)
    await until(lambda: any(each.buttons for each in world.room.sent))
    shown = next(each for each in world.room.sent if each.buttons)
    assert (shown.conversation, shown.thread) == ("C1", "ts3")


async def test_what_was_asked_or_decided_while_away_is_shown_at_the_next_start(make_world, tmp_path, until):
    world = make_world(FakeApprovals())
    async with world.opened(tmp_path):
        await world.channel(approvals_to="C-ops")
    async with world.opened(tmp_path):
        await until(lambda: world.room.sent)
        await asyncio.sleep(0.05)
    world.approvals.approval = msgspec.structs.replace(world.approvals.approval, status="expired")
    async with world.opened(tmp_path):
        await until(lambda: world.room.edited)
    assert len([each for each in world.room.sent if each.buttons]) == 1
    assert "Expired" in world.room.edited[0][1].text
