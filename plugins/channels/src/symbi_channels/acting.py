"""Acting on a message: who sent it, what they want, whether they may, and which run begins."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.channels import InboundMessage, OutboundMessage
from symbi.contracts.errors import (
    CapacityExceeded,
    Forbidden,
    ServiceUnavailable,
    StoreError,
    SymbiError,
    Unavailable,
)
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunOptions, RunService, RunView
from symbi_channels import inbox, records
from symbi_channels.approving import pending_text, vote
from symbi_channels.commands import Command, help_text, read_command
from symbi_channels.outbox import Draft
from symbi_channels.trail import text_facts

if TYPE_CHECKING:
    from symbi_channels.runner import Runner

__all__ = ["Actor", "reply_to"]

_log = logging.getLogger("symbi.channels")
_REFUSAL_SECONDS = 600.0
_UNKNOWN = (
    "Sorry, I do not know who you are here, so I cannot act for you. "
    "Please ask an operator to map your account (user id `{user}`)."
)


class Actor:
    """Acts on the messages of one channel. Acting twice on the same message begins one run and answers once."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._hub = runner.hub
        self._context = runner.hub.context
        self._refused_at: dict[tuple[str, str], float] = {}

    async def act(self, seq: int, message: InboundMessage) -> None:
        """Do what a message wants and mark it as done; raises what may pass (`Unavailable`, `CapacityExceeded`, `StoreError`)."""
        person = await self._context.store.read(records.mapping, self._runner.id, message.sender_id)
        facts = text_facts(message.text or message.action, store=self._runner.routing.store_text)
        await self._record("message.inbound", message, outcome="mapped" if person else "unmapped", **facts)
        if person is None:
            await self._refuse_stranger(seq, message)
            return
        principal = Principal(
            id=f"user:{person.symbiont_user_id}",
            kind="user",
            roles=frozenset(person.roles),
            display_name=person.display_name,
        )
        command = read_command(message, self._runner.routing)
        if command.verb == "help":
            await self._finish(seq, "help", [reply_to(message, help_text(self._runner.routing))])
        elif command.verb == "pending":
            text = await pending_text(self._context, principal)
            await self._finish(seq, "pending", [_only_for(reply_to(message, text), message.sender_id)])
        elif command.verb == "ask":
            await self._ask(seq, message, command, principal)
        else:
            outcome, text = await vote(self._context, command, principal)
            await self._record("approval.vote", message, principal, outcome=outcome, approval_id=command.target)
            await self._finish(seq, command.verb, [_only_for(reply_to(message, text), message.sender_id)])

    async def give_up(self, seq: int, message: InboundMessage) -> None:
        """Mark a message as done over which `act` fails again and again, and say so to the person."""
        reference = self._context.ids.uuid()[:8]
        self._runner.counters.failed += 1
        _log.error("channel %s: message %d is given up (ref %s)", self._runner.name, seq, reference)
        await self._record("message.failed", message, outcome="failed", reference=reference)
        await self._finish(seq, "failed", [reply_to(message, f"Something went wrong here. (ref {reference})")])

    async def _ask(self, seq: int, message: InboundMessage, command: Command, principal: Principal) -> None:
        if not command.target:
            await self._finish(seq, "no agent", [reply_to(message, help_text(self._runner.routing))])
            return
        try:
            run = await self._start(message, command, principal)
        except (CapacityExceeded, StoreError):
            raise
        except SymbiError as error:
            if isinstance(error, Unavailable) and not isinstance(error, ServiceUnavailable):
                raise
            await self._explain(seq, message, command, principal, error)
            return
        await self._record("agent.invoked", message, principal, agent=command.target, run_id=run.run_id)
        row = {
            "run_id": run.run_id, "channel_id": self._runner.id, "agent": run.agent, "sender": message.sender_id,
            "message": _without_text(message), "answered": False, "created_at": self._context.clock.now_ms(),
        }  # fmt: skip
        await self._finish(seq, f"run {run.run_id}", [], run=row)
        self._runner.answers.follow(run)

    async def _start(self, message: InboundMessage, command: Command, principal: Principal) -> RunView:
        agents = self._context.services.get(AgentService)
        agent = await agents.resolve(command.target)
        if agent is not None:
            principal = msgspec.structs.replace(principal, agents=frozenset({agent.id}))
        thread = message.thread or message.message_id
        options = RunOptions(
            trigger="channel",
            idempotency_key=hashlib.sha256(f"{self._runner.id}:{message.event_id}".encode()).hexdigest(),
            session=f"channel:{self._runner.id}:{message.conversation}:{thread}",
            surface="channel",
            origin={
                "surface": "channel",
                "channel_id": self._runner.id,
                "conversation": message.conversation,
                "thread_id": thread,
            },
        )
        given = await self._input(agents, agent, message, command, principal)
        runs = self._context.services.get(RunService)
        return await runs.start(command.target, given, principal=principal, options=options)

    async def _input(
        self,
        agents: AgentService,
        agent: AgentView | None,
        message: InboundMessage,
        command: Command,
        principal: Principal,
    ) -> dict[str, Any]:
        """Return what the agent gets: the text, and further facts where it has parameters of their names."""
        given: dict[str, Any] = {"message": command.text}
        if agent is None:
            return given
        names = {each.name for each in (await agents.spec(agent)).parameters}
        facts = {
            "sender": message.sender_id,
            "sender_name": message.sender_name or principal.display_name,
            "conversation": message.conversation,
            "channel": self._runner.name,
            "thread": message.thread,
        }
        return given | ({name: fact for name, fact in facts.items() if name in names} if len(names) > 1 else {})

    async def _explain(
        self, seq: int, message: InboundMessage, command: Command, principal: Principal, error: SymbiError
    ) -> None:
        """Tell the person why no run began; what they may not know stays in the log, under the reference."""
        reference = self._context.ids.uuid()[:8]
        denied = isinstance(error, Forbidden)
        self._runner.counters.refused += denied
        _log.info("channel %s: %s (ref %s): %s", self._runner.name, error.error_code, reference, error)
        await self._record(
            "agent.refused", message, principal, outcome="denied" if denied else "failed", agent=command.target,
            code=error.error_code, reference=reference, reason=error.message,
        )  # fmt: skip
        if denied:
            text = f"You may not do that here: {error.message} (ref {reference})"
        elif error.error_code == "APPROVAL_REQUIRED":
            ident = (error.details or {}).get("approval_id", "")
            text = f"This has to be approved first: `{ident}`. Ask again once it is. (ref {reference})"
        else:
            text = f"That did not work: {error.message} (ref {reference})"
        await self._finish(seq, error.error_code, [reply_to(message, text)])

    async def _refuse_stranger(self, seq: int, message: InboundMessage) -> None:
        self._runner.counters.refused += 1
        await self._record("identity.refused", message, outcome="denied")
        now = self._context.clock.monotonic()
        key = (message.sender_id, message.conversation)
        told = now - self._refused_at.get(key, -_REFUSAL_SECONDS) < _REFUSAL_SECONDS
        if len(self._refused_at) > 10_000:
            self._refused_at.clear()
        self._refused_at[key] = now
        text = _UNKNOWN.format(user=message.sender_id)
        await self._finish(seq, "unmapped", [] if told else [reply_to(message, text)])

    async def _finish(
        self, seq: int, outcome: str, replies: list[OutboundMessage], *, run: dict[str, Any] | None = None
    ) -> None:
        drafts = [
            Draft(id=self._context.ids.uuid(), channel_id=self._runner.id, message=reply, key=f"in:{self._runner.id}:{seq}:{number}")
            for number, reply in enumerate(replies)
        ]  # fmt: skip
        now = self._context.clock.now_ms()
        await self._context.store.write(inbox.finish, seq, outcome, now=now, replies=drafts, run=run)
        if drafts:
            self._runner.outbound.wake()

    async def _record(
        self, event: str, message: InboundMessage, by: Principal | None = None, *, outcome: str = "done", agent: str = "",
        **details: Any,
    ) -> None:  # fmt: skip
        await self._hub.trail.record(
            event, self._runner.id, by=by or f"{self._runner.platform}:{message.sender_id}", outcome=outcome, user=message.sender_id,
            conversation=message.conversation, agent=agent, event_id=message.event_id, **details,
        )  # fmt: skip


def reply_to(message: InboundMessage, text: str) -> OutboundMessage:
    """Return an answer that goes back to where a message came from: its thread, or one under it; a direct message is answered beside it."""
    thread = message.thread or ("" if message.direct else message.message_id)
    return OutboundMessage(conversation=message.conversation, text=text, thread=thread, reply=message.reply)


def _only_for(message: OutboundMessage, user: str) -> OutboundMessage:
    return msgspec.structs.replace(message, only_for=user)


def _without_text(message: InboundMessage) -> InboundMessage:
    return msgspec.structs.replace(message, text="", nonce="", also=())
