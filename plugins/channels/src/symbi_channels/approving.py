"""Approvals in the room: shown with buttons, decided by mapped people with the right, locked once decided."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from symbi.contracts.approvals import Approval, ApprovalRequested, ApprovalResolved, Approvals
from symbi.contracts.channels import Button, OutboundMessage
from symbi.contracts.errors import Forbidden, NotFound, SymbiError
from symbi.contracts.principal import Principal
from symbi_channels import inbox, outbox
from symbi_channels.outbox import Draft
from symbi_channels.tables import APPROVALS, OUTBOX

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_channels.commands import Command
    from symbi_channels.hub import Hub
    from symbi_channels.runner import Runner

__all__ = ["ApprovalBoard", "pending_text", "vote"]

_log = logging.getLogger("symbi.channels")
_MARKS = {"approved": "✅ Approved", "denied": "⛔ Denied", "expired": "⌛ Expired", "cancelled": "➖ Withdrawn"}


class ApprovalBoard:
    """Shows held actions in the channels that this runtime leads, and what became of them."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._context = hub.context

    async def requested(self, event: ApprovalRequested) -> None:
        """Show a held action: in the channel it came from, and in every channel that wants all of them."""
        run = await self._context.store.read(inbox.run_of, event.approval.run_id) if event.approval.run_id else None
        for runner in list(self._hub.runners.values()):
            if not runner.leads:
                continue
            if runner.routing.approvals_to:
                message = _shown(event.approval, OutboundMessage(conversation=runner.routing.approvals_to, text=""))
                await self._show(runner, event.approval, message)
            elif run is not None and run.channel_id == runner.id:
                came = run.message
                thread = came.thread or ("" if came.direct else came.message_id)
                place = OutboundMessage(conversation=came.conversation, text="", thread=thread, reply=came.reply)
                await self._show(runner, event.approval, _shown(event.approval, place))

    async def resolved(self, event: ApprovalResolved) -> None:
        """Show how it ended in place of the question, without buttons."""
        for row in await self._context.store.read(_open_of, event.approval.id):
            runner = self._hub.runners.get(row.channel_id)
            if runner is not None and runner.leads:
                await self._close(runner, row, event.approval)

    async def sweep(self) -> None:
        """Do what was missed while this runtime was away."""
        approvals = self._context.services.maybe(Approvals)
        if approvals is None:
            return
        for approval in await approvals.list(status="pending"):
            await self.requested(ApprovalRequested(approval=approval))
        for row in await self._context.store.read(_every_open):
            try:
                approval = await approvals.get(row.approval_id)
            except NotFound:
                await self._context.store.write(_settle, row.approval_id, row.channel_id, [], 0)
                continue
            if approval.status != "pending":
                await self.resolved(ApprovalResolved(approval=approval))

    async def _show(self, runner: Runner, approval: Approval, message: OutboundMessage) -> None:
        draft = Draft(
            id=self._context.ids.uuid(),
            channel_id=runner.id,
            message=message,
            key=f"approval:{approval.id}:{runner.id}",
        )
        if await self._context.store.write(_put, approval.id, draft, self._context.clock.now_ms()):
            runner.outbound.wake()
            await self._hub.trail.record(
                "approval.shown", runner.id, conversation=message.conversation, approval_id=approval.id
            )

    async def _close(self, runner: Runner, row: Row[Any], approval: Approval) -> None:
        shown = await self._context.store.read(outbox.find, row.outbox_id)
        if shown is None:
            return
        who = f" by {approval.resolved_by}" if approval.resolved_by else ""
        why = f": {approval.resolution_reason}" if approval.resolution_reason else ""
        text = f"**{_MARKS.get(approval.status, approval.status)}**{who}{why}\n{approval.summary}"
        draft = Draft(
            id=self._context.ids.uuid(),
            channel_id=runner.id,
            message=msgspec.structs.replace(shown.message, text=text, buttons=()),
            edits=row.outbox_id,
            key=f"resolved:{approval.id}:{runner.id}",
        )
        now = self._context.clock.now_ms()
        if await self._context.store.write(_settle, approval.id, runner.id, [draft], now):
            runner.outbound.wake()
            await self._hub.trail.record(
                "approval.resolved", runner.id, outcome=approval.status, approval_id=approval.id, by_person=approval.resolved_by
            )  # fmt: skip


async def vote(context: PluginContext, command: Command, principal: Principal) -> tuple[str, str]:
    """Give a person's answer to a held action; return the outcome for the audit log and what to tell them. Who may, `Approvals` decides."""
    approvals = context.services.maybe(Approvals)
    if approvals is None:
        return "failed", "Nothing can be approved here: no list of approvals is installed."
    try:
        if command.verb == "approve":
            found = await approvals.approve(command.target, by=principal, reason=command.text)
        else:
            found = await approvals.deny(command.target, by=principal, reason=command.text)
    except NotFound:
        return "failed", f"There is no held action `{command.target}`."
    except Forbidden as error:
        return "denied", f"You may not decide this: {error.message}."
    except SymbiError as error:
        return "failed", f"That did not count: {error.message}."
    if found.status == "pending":
        more = found.quorum - len(found.votes)
        return command.verb, f"Your vote counts; {more} more must approve `{found.id}`."
    return command.verb, f"`{found.id}` is {found.status}."


async def pending_text(context: PluginContext, principal: Principal) -> str:
    """Return the held actions that a person may decide: those whose groups are among the person's roles."""
    approvals = context.services.maybe(Approvals)
    if approvals is None:
        return "No list of approvals is installed."
    found = [
        each
        for each in await approvals.list(status="pending", limit=100)
        if principal.admin or set(each.group.split(",")) <= principal.roles
    ]
    if not found:
        return "Nothing waits for you."
    return "\n".join(f"`{each.id}` {each.summary} (until {each.expires_at})" for each in found[:20])


def _shown(approval: Approval, place: OutboundMessage) -> OutboundMessage:
    text = (
        f"**Approval needed** ({approval.group or 'an administrator'}): {approval.summary[:1500]}\n"
        f"{approval.reason[:500]}\nUntil {approval.expires_at}. `approve {approval.id}` or `deny {approval.id}` works as well."
    )
    buttons = (
        Button(label="Approve", value=f"approval:approve:{approval.id}", style="primary"),
        Button(label="Deny", value=f"approval:deny:{approval.id}", style="danger"),
    )
    return msgspec.structs.replace(place, text=text, buttons=buttons)


def _put(conn: Connection, approval_id: str, draft: Draft, now: int) -> bool:
    a = APPROVALS.c
    if conn.execute(select(a.open).where(a.approval_id == approval_id, a.channel_id == draft.channel_id)).first():
        return False
    values = {"approval_id": approval_id, "channel_id": draft.channel_id, "outbox_id": draft.id, "open": True}
    conn.execute(insert(APPROVALS).values(**values))
    outbox.put(conn, [draft], now)
    return True


def _settle(conn: Connection, approval_id: str, channel_id: str, drafts: list[Draft], now: int) -> bool:
    a = APPROVALS.c
    where = (a.approval_id == approval_id, a.channel_id == channel_id, a.open.is_(True))
    if not conn.execute(update(APPROVALS).where(*where).values(open=False)).rowcount:
        return False
    for draft in drafts:  # a question that was not sent yet has nothing to be edited: it goes out decided
        conn.execute(
            update(OUTBOX)
            .where(OUTBOX.c.id == draft.edits, OUTBOX.c.state == "pending")
            .values(message=msgspec.structs.replace(draft.message, buttons=()))
        )
    outbox.put(conn, drafts, now)
    return True


def _open_of(conn: Connection, approval_id: str) -> list[Row[Any]]:
    where = (APPROVALS.c.approval_id == approval_id, APPROVALS.c.open.is_(True))
    return list(conn.execute(select(APPROVALS).where(*where)).all())


def _every_open(conn: Connection) -> list[Row[Any]]:
    return list(conn.execute(select(APPROVALS).where(APPROVALS.c.open.is_(True))).all())
