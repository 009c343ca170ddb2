"""The desk at which a run's effects are answered: replay, schema, gate, intent, act, result, reply."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.effects import EffectCall, EffectContext, EffectHandler, EffectReply
from symbi.contracts.errors import InvalidRequest, NotFound, PolicyDenied, ServiceUnavailable, SymbiError, Timeout
from symbi.contracts.hiding import Veil, hiding
from symbi.contracts.languages import POSITIONAL
from symbi.contracts.offers import load
from symbi.contracts.policy import ResourceFacts
from symbi.contracts.tools import ToolService, ToolSpec
from symbi_runs.actions import UNGATED, tasks_of
from symbi_runs.gatekeeper import Gatekeeper, Park
from symbi_runs.journal import Fenced, RunJournal
from symbi_runs.secrets import asked_for, fill_in
from symbi_runs.shown import shown
from symbi_runs.statements import StoredEffect

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["EffectDesk", "effect_hash"]

_HINTS = {
    "remember": "context", "recall": "context", "forget": "context",
    "reason": "reasoning", "llm": "reasoning", "model": "reasoning",
    "publish": "channels", "send": "agents", "secret": "secrets",
}  # fmt: skip


def effect_hash(call: EffectCall) -> str:
    """Return the SHA-256 (hex) of what is asked; the same for the same call of a resumed run."""
    body = msgspec.json.encode([call.kind, call.name, call.arguments], order="sorted")
    return hashlib.sha256(body).hexdigest()


class EffectDesk:
    """Answers the effects of one attempt; several may be under way at once."""

    def __init__(
        self,
        context: PluginContext,
        run: EffectContext,
        *,
        journal: RunJournal,
        gatekeeper: Gatekeeper,
        handlers: Mapping[str, EffectHandler],
        stored: dict[int, StoredEffect],
        epoch: int,
        most: int,
        park: Park,
        fail: Callable[[str, str], None],
    ) -> None:
        self._context = context
        self._run = run
        self._journal = journal
        self._gatekeeper = gatekeeper
        self._handlers = handlers
        self._stored = stored
        self._epoch = epoch
        self._most = most
        self._park = park
        self._fail = fail
        self._veil = Veil()
        self.count = 0
        self.denials = 0
        self.tokens: int | None = None
        self.cost_usd: float | None = None

    def set_deadline(self, deadline_ms: int | None) -> None:
        """Take a later end of the run's time: it stood while the run waited."""
        self._run = msgspec.structs.replace(self._run, deadline_ms=deadline_ms)

    async def answer(self, call: EffectCall) -> EffectReply:
        """Answer one effect; never raises but for a lost claim, which ends the attempt."""
        with hiding(self._veil):
            return await self._answer(call)

    async def _answer(self, call: EffectCall) -> EffectReply:
        self.count += 1
        if self.count > self._most:
            text = f"the run asked for more than {self._most} effects"
            self._fail("limit_effects", text)
            return EffectReply(seq=call.seq, status="failed", code="limit_effects", message=text)
        try:
            known = self._stored.get(call.seq)
            if known is not None:
                return await self._again(call, known)
            return await self._carry_out(call, None)
        except Fenced:
            await asyncio.Event().wait()
            raise
        except SymbiError as error:
            # The store refuses: nothing may happen that is not journaled (RSN-44).
            self._fail("journal_failed", f"the journal cannot be written: {error}")
            return EffectReply(
                seq=call.seq, status="failed", code="journal_failed", message=error.message, retryable=True
            )

    async def _again(self, call: EffectCall, known: StoredEffect) -> EffectReply:
        """Answer a call that an earlier life of the run has made already."""
        if known.hash != effect_hash(call):
            text = f"effect {call.seq} is not the one that the journal holds ({known.kind} {known.name!r}): the program has changed its course"
            self._fail("journal_diverged", text)
            return EffectReply(seq=call.seq, status="failed", code="journal_diverged", message=text)
        if known.reply is not None:
            self._count_usage(known.reply.value)
            return known.reply
        if known.approval_id is None and not await self._may_repeat(call):
            text = f"{call.kind} {call.name!r} was begun before the runtime ended, and nobody knows whether it was done"
            return await self._finish(
                call, known, EffectReply(seq=call.seq, status="failed", code="outcome_unknown", message=text)
            )
        return await self._carry_out(call, known)

    async def _may_repeat(self, call: EffectCall) -> bool:
        if call.kind == "tool":
            tools = self._context.services.maybe(ToolService)
            spec = await tools.get(call.name) if tools is not None else None
            return spec is not None and spec.idempotent
        handler = self._handlers.get(call.kind)
        return handler is None or handler.idempotent or call.kind in UNGATED

    async def _carry_out(self, call: EffectCall, known: StoredEffect | None) -> EffectReply:
        began = self._context.clock.now_ms()
        row = known or StoredEffect(
            run_id=self._run.run_id,
            epoch=self._epoch,
            seq=call.seq,
            kind=call.kind,
            name=call.name[:400],
            hash=effect_hash(call),
            began_at=began,
        )
        try:
            handler = self._handlers.get(call.kind)
            if handler is None and call.kind not in ("tool", "approval", "check"):
                raise _nobody(call.kind)
            if call.kind == "approval":
                row, value = await self._ask_a_person(call, row, fresh=known is None)
            else:
                call, tool = await self._checked(call)
                call, row = await self._admitted(call, row, handler, tool, fresh=known is None)
                value = await self._act(call, handler)
            reply = EffectReply(seq=call.seq, status="ok", value=value)
        except Fenced:
            raise
        except PolicyDenied as error:
            reply = EffectReply(
                seq=call.seq, status="denied", value=error.details, code="policy_denied", message=error.message
            )
        except SymbiError as error:
            retryable = bool(getattr(error, "retryable", False))
            reply = EffectReply(
                seq=call.seq, status="failed", code=error.error_code, message=str(error), retryable=retryable
            )
        except Exception as error:
            self._context.logger.exception("effect %s %r of run %s failed", call.kind, call.name, self._run.run_id)
            text = f"the handler of {call.kind!r} failed ({type(error).__name__})"
            reply = EffectReply(seq=call.seq, status="failed", code="handler_failed", message=text)
        return await self._finish(call, row, reply)

    async def _checked(self, call: EffectCall) -> tuple[EffectCall, ToolSpec | None]:
        """Check a tool call against its schema, before any gate (A-28)."""
        if call.kind != "tool":
            return call, None
        tools = self._context.services.maybe(ToolService)
        if tools is None:
            raise ServiceUnavailable(
                f"no tools are installed, so {call.name!r} cannot be called", hint="pip install symbi-tools"
            )
        spec = await tools.get(call.name)
        if spec is None:
            raise NotFound(f"no tool is called {call.name!r}", hint="symbi plugins list shows what is installed")
        arguments = call.arguments
        if isinstance(arguments.get(POSITIONAL), list):
            named = {name: value for name, value in arguments.items() if name != POSITIONAL}
            arguments = await tools.bind(call.name, arguments[POSITIONAL], named)
        await tools.validate(call.name, arguments)
        return msgspec.structs.replace(call, arguments=arguments), spec

    async def _admitted(
        self, call: EffectCall, row: StoredEffect, handler: EffectHandler | None, tool: ToolSpec | None, *, fresh: bool
    ) -> tuple[EffectCall, StoredEffect]:
        """Pass the gate and write down the intent, durably."""
        gated = call.kind not in UNGATED and (handler is None or handler.gated)
        holder = _Held(row)
        if gated:

            async def park(approval: str, reason: str) -> None:
                if approval:
                    holder.row = msgspec.structs.replace(row, approval_id=approval)
                    await self._write_begun(holder, fresh=fresh)
                await self._park(approval, reason)

            call = await self._through_the_gate(call, tool, park, row.approval_id)
        if holder.row.approval_id is not None:
            # From here on it is begun, no longer held: a later life must not take it for one that still waits.
            holder.row = msgspec.structs.replace(holder.row, approval_id=None)
            await self._journal.write(ended=[holder.row])
        elif not _repeatable(handler, tool):
            # What may be carried out twice needs no intent on disk: a later life that finds nothing simply does it (RSN-41).
            await self._write_begun(holder, fresh=fresh)
        return call, holder.row

    async def _through_the_gate(
        self, call: EffectCall, tool: ToolSpec | None, park: Park, approval: str | None
    ) -> EffectCall:
        """Ask about the call, or about each task of it before any is started; return it with what may be carried out."""
        if call.kind not in ("parallel", "race"):
            request = self._gatekeeper.request(call, call.name, _resource(call, tool))
            arguments = await self._gatekeeper.admit(call, request, park=park, approval=approval)
            call = msgspec.structs.replace(call, arguments=arguments)
            for one in asked_for(call, self._context):
                request = self._gatekeeper.request(one, one.name, ResourceFacts(type="Secret", id=one.name))
                await self._gatekeeper.admit(one, request, park=park, approval=approval)
            return call
        admitted: list[Any] = []
        for task in tasks_of(call):
            one = msgspec.structs.replace(call, arguments=task, call_id=f"{call.call_id or call.seq}.{len(admitted)}")
            target = ResourceFacts(type="Agent", id=task["agent"])
            request = self._gatekeeper.request(one, task["agent"], target, ahead=len(admitted))
            admitted.append(await self._gatekeeper.admit(one, request, park=park, approval=approval))
        return msgspec.structs.replace(call, arguments={**call.arguments, "tasks": admitted})

    async def _ask_a_person(
        self, call: EffectCall, row: StoredEffect, *, fresh: bool
    ) -> tuple[StoredEffect, dict[str, Any]]:
        holder = _Held(row)

        async def park(approval: str, reason: str) -> None:
            if approval:
                holder.row = msgspec.structs.replace(row, approval_id=approval)
                await self._write_begun(holder, fresh=fresh)
            await self._park(approval, reason)

        answer = await self._gatekeeper.ask(call, park=park, approval=row.approval_id)
        return holder.row, answer

    async def _write_begun(self, holder: _Held, *, fresh: bool) -> None:
        if fresh and not holder.written:
            holder.written = True
            self._stored[holder.row.seq] = holder.row
            await self._journal.write(begun=[holder.row])

    async def _act(self, call: EffectCall, handler: EffectHandler | None) -> Any:
        work: Awaitable[Any]
        if call.kind == "check":
            return self._gatekeeper.check(call)
        if handler is not None:
            work = load(handler.handle)(call, self._run, self._context)
        else:
            work = self._call_tool(call)
        deadline = self._run.deadline_ms
        left = None if deadline is None else max(0.0, (deadline - self._context.clock.now_ms()) / 1000)
        allowed = self._gatekeeper.seconds.pop(call.seq, None)
        by_rule = allowed is not None and (left is None or allowed < left)
        try:
            async with asyncio.timeout(allowed if by_rule else left):
                return await work
        except TimeoutError:
            if by_rule:
                text = (
                    f"{call.kind} {call.name!r} took longer than the {allowed:g} s that the agent's own rule requires"
                )
                raise Timeout(text, code="limit_rule") from None
            self._fail("limit_wall", "the run took longer than its time")
            raise Timeout(f"{call.kind} {call.name!r} was not done within the run's time") from None

    async def _call_tool(self, call: EffectCall) -> Any:
        arguments = await fill_in(call, self._run, self._context, self._veil)
        return await self._context.services.get(ToolService).call(call.name, arguments, run=self._run)

    async def _finish(self, call: EffectCall, row: StoredEffect, reply: EffectReply) -> EffectReply:
        """Write the result down, durably, before the agent hears of it."""
        reply = _as_json(reply)
        reply = msgspec.structs.replace(
            reply, value=self._veil.over(reply.value), message=self._veil.text(reply.message)
        )
        now = self._context.clock.now_ms()
        done = msgspec.structs.replace(row, reply=reply, ended_at=now)
        begun = [done] if row.seq not in self._stored else []
        ended = [done] if row.seq in self._stored else []
        self._stored[row.seq] = done
        if reply.status == "denied":
            self.denials += 1
        self._count_usage(reply.value)
        if call.kind == "log" and reply.status == "ok":
            event = ("log", {**reply.value, "line": call.line})
        else:
            event = ("effect", _event(call, row, reply, now))
        await self._journal.write(event, begun=begun, ended=ended)
        return reply

    def _count_usage(self, value: Any) -> None:
        usage = value.get("usage") if isinstance(value, dict) else None
        if not isinstance(usage, dict):
            return
        tokens, cost = usage.get("total_tokens"), usage.get("cost_usd")
        self.add_usage(
            tokens=tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else None,
            cost_usd=float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) else None,
        )

    def add_usage(self, *, tokens: int | None, cost_usd: float | None) -> None:
        """Count tokens and cost, where they were measured."""
        if tokens is not None:
            self.tokens = (self.tokens or 0) + tokens
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost_usd


def _repeatable(handler: EffectHandler | None, tool: ToolSpec | None) -> bool:
    return tool.idempotent if tool is not None else handler is not None and handler.idempotent


class _Held:
    def __init__(self, row: StoredEffect) -> None:
        self.row = row
        self.written = False


def _event(call: EffectCall, row: StoredEffect, reply: EffectReply, now: int) -> dict[str, Any]:
    data: dict[str, Any] = {
        "effect": call.seq,
        "kind": call.kind,
        "name": call.name,
        "status": reply.status,
        "ms": now - row.began_at,
    }
    data.update({"line": call.line, "arguments": shown(call.arguments)})
    if reply.status == "ok":
        data["value"] = shown(reply.value)
    else:
        data.update({"code": reply.code, "message": reply.message})
    return data


def _as_json(reply: EffectReply) -> EffectReply:
    """Return the reply with a value that JSON knows, or a failure that says it has none."""
    try:
        return msgspec.structs.replace(reply, value=msgspec.to_builtins(reply.value, str_keys=True))
    except (TypeError, ValueError, RecursionError) as error:
        text = f"the value of the effect is no JSON: {error}"
        return msgspec.structs.replace(reply, status="failed", value=None, code="not_json", message=text)


def _resource(call: EffectCall, tool: ToolSpec | None) -> ResourceFacts | None:
    if tool is not None:
        attributes: dict[str, str | int | bool] = {
            "server": tool.server,
            "risk": tool.risk,
            "verified": tool.verified,
            "idempotent": tool.idempotent,
        }
        return ResourceFacts(type="Tool", id=tool.name, attributes=attributes)
    if call.kind in ("delegate", "ask", "spawn", "send"):
        return ResourceFacts(type="Agent", id=call.name)
    if call.kind in ("remember", "recall", "forget"):
        return ResourceFacts(type="Memory", id=call.name or "default")
    return None


def _nobody(kind: str) -> SymbiError:
    plugin = _HINTS.get(kind)
    if plugin is None:
        return InvalidRequest(f"nobody knows the effect {kind!r}", code="unknown_effect")
    return ServiceUnavailable(
        f"no installed plugin carries out {kind!r}", code="no_handler", hint=f"pip install symbi-{plugin}"
    )
