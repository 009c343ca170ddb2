"""Opens the gate: the engine, the policies, the watch over their directory."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from symbi.contracts.audit import AuditLog
from symbi.contracts.policy_engines import PolicyEngine
from symbi.contracts.policy_sets import PolicyInvalid
from symbi.kernel.clock import rfc3339
from symbi.kernel.points import POLICY_ENGINES
from symbi_policy.config import PolicyConfig
from symbi_policy.gate import NO_AUDIT, PolicyGate
from symbi_policy.insecure import banner, insecure_switch, is_production
from symbi_policy.judge import Judge
from symbi_policy.no_engine import NoEngine
from symbi_policy.rates import RateCounter
from symbi_policy.sets import PolicySets
from symbi_policy.signature import load_public_key

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["open_gate"]

_log = logging.getLogger("symbi.policy")


@asynccontextmanager
async def open_gate(config: PolicyConfig, context: PluginContext) -> AsyncIterator[PolicyGate]:
    """Open the gate; bad policies leave it denying everything, an engine that was named and is missing stops the
    start.
    """
    insecure = insecure_switch(config.insecure_allow_all, context.environ)
    if insecure:
        banner()
    async with AsyncExitStack() as stack:
        engine = await _open_engine(stack, config, context)
        offer = context.catalogue(POLICY_ENGINES).get(config.engine)
        sets = PolicySets(
            engine,
            context.settings.folder / config.directory,
            now=lambda: rfc3339(context.clock.now()),
            surfaces=config.surfaces,
            suffixes=getattr(offer, "suffixes", (".cedar", ".json")),
            strict=config.strict,
            public_key=_public_key(config, context),
            keep=config.history,
        )
        rates = RateCounter(context.clock.monotonic)
        judge = Judge(
            engine,
            config,
            rates,
            now_ms=context.clock.now_ms,
            insecure=insecure,
            approval_tools=_approval_tools(config, context),
        )
        gate = PolicyGate(config, context, sets, judge, rates)
        try:
            await gate.reload(author="start")
        except PolicyInvalid:
            _log.error("the gate denies everything until the policies are mended: symbi policy check")
        if config.audit == "strict" and context.services.maybe(AuditLog) is None:
            _log.error("there is no audit log, so the gate denies everything (%s)", NO_AUDIT)
        if config.watch:
            from symbi_policy.watch import watch

            context.tasks.supervise("watch", lambda: watch(gate, sets.directory, debounce_ms=config.debounce_ms))
        yield gate


async def _open_engine(stack: AsyncExitStack, config: PolicyConfig, context: PluginContext) -> PolicyEngine:
    named = "engine" in (context.settings.raw("policy") or {})
    if config.engine not in context.catalogue(POLICY_ENGINES) and not named:
        _log.error(
            "no policy engine %r is installed (pip install symbi-%s): denying everything", config.engine, config.engine
        )
        return NoEngine(config.engine)
    engine: PolicyEngine = await stack.enter_async_context(context.open(POLICY_ENGINES, config.engine))
    return engine


def _public_key(config: PolicyConfig, context: PluginContext) -> Any:
    if config.public_key:
        return load_public_key(context.settings.folder / config.public_key)
    if is_production(context.environ):
        _log.warning("this is production, and policies need no signature here: set [policy] public_key")
    return None


def _approval_tools(config: PolicyConfig, context: PluginContext) -> tuple[str, ...]:
    named = context.environ.get("SYMBIONT_REQUIRE_APPROVAL_TOOLS", "")
    return (*config.require_approval_tools, *(name.strip() for name in named.split(",") if name.strip()))
