"""RSN-30: the circuit of a tool, as a state machine and in the service."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from symbi import hookimpl
from symbi.contracts.errors import InvalidRequest, SymbiError
from symbi.contracts.tools import ToolService, Toolset, ToolSpec
from symbi.testing.clock import FakeClock
from symbi.testing.effects import effect_context
from symbi.testing.kernels import open_kernel
from symbi_tools.breakers import Breaker, BreakerConfig, CircuitOpen


class Circuit(RuleBasedStateMachine):
    """Against a model that counts: failures in a row, time since opening, trials under way."""

    def __init__(self) -> None:
        super().__init__()
        self.config = BreakerConfig(failures=3, recovery_seconds=10, trials=2)
        self.breaker = Breaker(self.config)
        self.now = 100.0
        self.under_way = 0
        self.in_a_row = 0
        self.opened_at: float | None = None

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        before = self.breaker.state
        allowed = self.breaker.enter(self.now)
        if before == "closed":
            assert allowed
        if before == "open":
            assert allowed == (self.now - self.opened_at >= 10)  # type: ignore[operator]
            if allowed:
                self.under_way = 0
        self.under_way += allowed

    @precondition(lambda self: self.under_way)
    @rule(good=st.sampled_from([True, False, None]))
    def end(self, good: bool | None) -> None:
        self.under_way -= 1
        before = self.breaker.state
        self.breaker.leave(good=good, now=self.now)
        if good is None:
            assert self.breaker.state == before
        if good is False and (before == "half_open" or self.breaker.state != before):
            assert self.breaker.state == "open"
            self.opened_at = self.now
        elif self.breaker.state == "open" and good is False:
            self.opened_at = self.now

    @invariant()
    def trials_are_bounded(self) -> None:
        if self.breaker.state == "half_open":
            assert self.breaker._trying <= 2


Circuit.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestCircuit = Circuit.TestCase


def test_two_successes_close_it_and_a_failed_trial_opens_it_again():
    """§4.11: one success is not enough, a failed probe counts, what was rejected does not."""
    breaker = Breaker(BreakerConfig())
    for _ in range(5):
        assert breaker.enter(0)
        breaker.leave(good=False, now=0)
    assert breaker.state == "open"
    assert not breaker.enter(29)
    assert breaker.failures == 5
    assert breaker.enter(30)
    breaker.leave(good=True, now=30)
    assert breaker.state == "half_open"
    assert breaker.enter(31)
    assert breaker.enter(31)
    assert not breaker.enter(31)
    breaker.leave(good=False, now=31)
    assert breaker.state == "open"
    assert breaker.enter(62)
    breaker.leave(good=True, now=62)
    assert breaker.enter(62)
    breaker.leave(good=True, now=62)
    assert (breaker.state, breaker.failures) == ("closed", 0)


class Flaky:
    """A provider whose tool raises what a test says."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0

    provider_tools = (ToolSpec(name="shaky", description="x", parameters={"type": "object"}),)

    async def tools(self) -> Any:
        return self.provider_tools

    async def call(self, name: str, arguments: Any, *, run: Any) -> Any:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return "ok"


async def test_the_service_leaves_a_failing_tool_alone_and_refusals_do_not_count(tmp_path):
    flaky = Flaky()

    class Plugin:
        __name__ = "flaky"

        @hookimpl
        def tools(self) -> Any:
            @contextlib.asynccontextmanager
            async def opened(config: Any, context: Any) -> Any:
                yield flaky

            yield Toolset(name="flaky", open=opened)

    clock = FakeClock()
    async with open_kernel(tmp_path, ["symbi_tools.plugin", Plugin()], clock=clock) as kernel:
        service = kernel.services.get(ToolService)

        async def call() -> Any:
            return await service.call("shaky", {}, run=effect_context(tmp_path))

        flaky.error = InvalidRequest("wrong arguments")
        for _ in range(9):
            with pytest.raises(InvalidRequest):
                await call()
        flaky.error = SymbiError("broken")
        for _ in range(5):
            with pytest.raises(SymbiError, match="broken"):
                await call()
        with pytest.raises(CircuitOpen, match="5 times"):
            await call()
        assert flaky.calls == 14
        assert "shaky" in str(await service.health())  # type: ignore[attr-defined]
        await clock.advance(31)
        flaky.error = None
        assert await call() == "ok"
        assert await call() == "ok"
        assert service.breakers.states() == {}  # type: ignore[attr-defined]
