"""Answers: what a run returns goes back to the thread that asked, once; meanwhile people see that it is worked on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Row, delete, select, update

from symbi.contracts.channels import InboundMessage, OutboundMessage
from symbi.contracts.errors import NotFound, SymbiError
from symbi.contracts.runs import RunService, RunView
from symbi_channels import inbox, outbox
from symbi_channels.outbox import Draft
from symbi_channels.splitting import split_text
from symbi_channels.tables import OUTBOX, RUNS

if TYPE_CHECKING:
    from symbi_channels.runner import Runner

__all__ = ["Answers", "text_of"]

_log = logging.getLogger("symbi.channels")
_WORKING = "The agent `{agent}` is working on it …"


class Answers:
    """The answers of one channel."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._context = runner.hub.context
        self._followed: dict[str, asyncio.Task[None]] = {}

    async def work(self) -> None:
        """Look from time to time for ended runs whose event was missed, until cancelled."""
        try:
            while True:
                for row in await self._context.store.read(inbox.open_runs, self._runner.id):
                    await self._look(row)
                await self._context.clock.sleep(self._runner.hub.sweep_seconds)
        finally:
            for task in list(self._followed.values()):
                task.cancel()

    def follow(self, run: RunView) -> None:
        """Show that a run is worked on, until it is answered; does nothing for one that is followed."""
        if run.run_id in self._followed or not self._runner.leads:
            return
        task = asyncio.get_running_loop().create_task(self._progress(run.run_id), name="channels:progress")
        self._followed[run.run_id] = task
        task.add_done_callback(lambda _: self._followed.pop(run.run_id, None))

    async def ended(self, run: RunView) -> None:
        """Answer a run that has ended; does nothing for one that did not come from here or is answered."""
        row = await self._context.store.read(inbox.run_of, run.run_id)
        if row is None or row.channel_id != self._runner.id:
            return
        text = text_of(run)
        drafts = self._drafts(row, text)
        first = await self._context.store.write(inbox.settle_run, run.run_id, drafts, self._context.clock.now_ms())
        self._runner.outbound.wake()
        if first:
            await self._runner.hub.trail.record(
                "agent.answered", self._runner.id, outcome=run.status, user=row.sender, conversation=row.message.conversation,
                agent=row.agent, run_id=run.run_id, parts=len(drafts), length=len(text),
            )  # fmt: skip

    async def _look(self, row: Row[Any]) -> None:
        runs = self._context.services.maybe(RunService)
        if runs is None:
            return
        try:
            run = await runs.get(row.run_id)
        except NotFound:
            await self._context.store.write(inbox.settle_run, row.run_id, [], self._context.clock.now_ms())
            return
        except SymbiError as error:
            _log.warning("channel %s: run %s cannot be looked at: %s", self._runner.name, row.run_id, error)
            return
        if run.ended:
            await self.ended(run)
        else:
            self.follow(run)

    def _drafts(self, row: Row[Any], text: str) -> list[Draft]:
        channel = self._runner.channel
        parts = split_text(text, most=channel.limits.message_size, measure=channel.measure)
        return [
            Draft(
                id=self._context.ids.uuid(),
                channel_id=self._runner.id,
                message=_reply(row.message, part),
                key=f"run:{row.run_id}:{number}",
            )
            for number, part in enumerate(parts)
        ]

    async def _progress(self, run_id: str) -> None:
        """Post a notice when a run takes long, and change it as the run goes on."""
        runs = self._context.services.get(RunService)
        if (await runs.get(run_id)).ended:
            await self.ended(await runs.get(run_id))
            return
        routing = self._runner.routing
        if not routing.slow_notice_seconds:
            return
        await self._context.clock.sleep(routing.slow_notice_seconds)
        notice = await self._notice(run_id)
        if not notice:
            return
        self._runner.outbound.wake()
        shown, steps = "", 0
        while True:
            await self._context.clock.sleep(routing.progress_seconds)
            run = await runs.get(run_id)
            if run.ended:
                await self.ended(run)
                return
            steps = await self._count(runs, run_id, steps)
            text = _WORKING.format(agent=run.agent) + (f" ({steps} steps)" if steps else "")
            if run.status == "waiting":
                text = f"The agent `{run.agent}` waits for an approval or an event …"
            if text != shown and await self._context.store.write(_change_notice, run_id, self._edit(notice, text)):
                self._runner.outbound.wake()
            shown = text

    async def _count(self, runs: RunService, run_id: str, before: int) -> int:
        found = 0
        async for event in runs.events(run_id, follow=False):
            found += event.kind == "effect"
        return max(found, before)

    async def _notice(self, run_id: str) -> str:
        row = await self._context.store.read(inbox.run_of, run_id)
        if row is None:
            return ""
        if row.notice:
            return str(row.notice)
        draft = Draft(
            id=self._context.ids.uuid(),
            channel_id=self._runner.id,
            message=_reply(row.message, _WORKING.format(agent=row.agent)),
            optional=True,
            key=f"notice:{run_id}",
        )
        return (
            draft.id
            if await self._context.store.write(_put_notice, run_id, draft, self._context.clock.now_ms())
            else ""
        )

    def _edit(self, notice: str, text: str) -> tuple[Draft, int, str]:
        blank = OutboundMessage(conversation="", text=text)
        draft = Draft(
            id=self._context.ids.uuid(), channel_id=self._runner.id, message=blank, edits=notice, optional=True
        )
        return draft, self._context.clock.now_ms(), text


def text_of(run: RunView) -> str:
    """Return what a person reads of an ended run."""
    if run.status == "completed":
        return _readable(run.result)
    error = run.error or {}
    reference = f"(run {run.run_id})"
    if run.status == "terminated":
        return f"The agent `{run.agent}` was stopped. {reference}"
    return f"The agent `{run.agent}` failed: {error.get('message') or run.status} {reference}"


def _readable(result: Any) -> str:
    if isinstance(result, str) and result.strip():
        return result
    if result is None or result == "":
        return "Done."
    if isinstance(result, dict):
        for name in ("response", "answer", "text", "message"):
            if isinstance(result.get(name), str) and result[name].strip():
                return str(result[name])
    return "```json\n" + msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n```"


def _reply(message: InboundMessage, text: str) -> OutboundMessage:
    thread = message.thread or ("" if message.direct else message.message_id)
    return OutboundMessage(conversation=message.conversation, text=text, thread=thread, reply=message.reply)


def _put_notice(conn: Connection, run_id: str, draft: Draft, now: int) -> bool:
    """Put the notice unless the run is answered meanwhile."""
    where = (RUNS.c.run_id == run_id, RUNS.c.answered.is_(False))
    if not conn.execute(update(RUNS).where(*where).values(notice=draft.id)).rowcount:
        return False
    outbox.put(conn, [draft], now)
    return True


def _change_notice(conn: Connection, run_id: str, edit: tuple[Draft, int, str]) -> bool:
    """Put an edit of the notice in place of one that still waits, unless the run is answered meanwhile."""
    draft, now, text = edit
    row = conn.execute(select(RUNS).where(RUNS.c.run_id == run_id, RUNS.c.answered.is_(False))).first()
    if row is None:
        return False
    where = (OUTBOX.c.edits == draft.edits, OUTBOX.c.state == "pending", OUTBOX.c.attempts == 0)
    conn.execute(delete(OUTBOX).where(*where))
    outbox.put(conn, [msgspec.structs.replace(draft, message=_reply(row.message, text))], now)
    return True
