"""Sending a text through a channel, for callers of the API, schedules and other plugins."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from symbi.contracts.channels import OutboundMessage, Sent, SentMessage
from symbi.contracts.errors import InvalidRequest, Unavailable
from symbi.contracts.principal import Principal
from symbi_channels import outbox
from symbi_channels.outbox import Draft
from symbi_channels.permission import permit
from symbi_channels.splitting import split_text

if TYPE_CHECKING:
    from symbi_channels.runner import Runner

__all__ = ["post"]

_MOST = 100_000


async def post(
    runner: Runner, text: str, *, principal: Principal, target: str, thread: str, key: str, wait: float
) -> SentMessage:
    """Put a text into the outbox, in parts where it is long, and wait some seconds for the platform to take it.

    Raises `InvalidRequest` for no text, no target or too much, `PolicyDenied`, `Unavailable` where the platform refused it for good.
    """
    if not text.strip() or len(text) > _MOST:
        raise InvalidRequest(f"text: expected 1 to {_MOST} characters", details={"field": "text"})
    conversation = target or str(getattr(runner.channel, "default_target", ""))
    if not conversation:
        raise InvalidRequest(
            "target: this channel has no conversation of its own; name one", details={"field": "target"}
        )
    context = runner.hub.context
    facts = {"target": conversation, "length": len(text)}
    await permit(
        context, "channel_send", principal, name=runner.name, ident=runner.id, platform=runner.platform, arguments=facts
    )
    parts = split_text(text, most=runner.channel.limits.message_size, measure=runner.channel.measure)
    unique = hashlib.sha256(f"{runner.id}:{key}".encode()).hexdigest()[:40] if key else ""
    drafts = [
        Draft(
            id=context.ids.uuid(),
            channel_id=runner.id,
            message=OutboundMessage(conversation=conversation[:200], text=part, thread=thread[:200]),
            key=f"post:{unique}:{number}" if unique else None,
        )
        for number, part in enumerate(parts)
    ]
    last = drafts[-1]
    known = await context.store.read(outbox.find_key, last.key) if last.key else None
    if known is not None:
        return SentMessage(message_id=known.id, status="sent" if known.state == "sent" else "queued")
    taken = runner.outbound.expect(last.id)
    try:
        await context.store.write(outbox.put, drafts, context.clock.now_ms(), most=runner.hub.config.max_outbox)
        runner.outbound.wake()
        return await _outcome(runner, last.id, taken, wait)
    finally:
        taken.cancel()


async def _outcome(runner: Runner, ident: str, taken: asyncio.Future[Sent | None], wait: float) -> SentMessage:
    if not runner.leads or wait <= 0:
        return SentMessage(message_id=ident, status="queued")
    try:
        async with asyncio.timeout(wait):
            receipt = await asyncio.shield(taken)
    except TimeoutError:
        return SentMessage(message_id=ident, status="queued")
    if receipt is None:
        row = await runner.hub.context.store.read(outbox.find, ident)
        raise Unavailable(
            f"the platform did not take the message: {row.error if row else 'it was given up'}",
            code="CHANNEL_SEND_FAILED",
        )
    return SentMessage(message_id=ident, status="sent")
