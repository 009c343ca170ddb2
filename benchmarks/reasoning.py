"""The reasoning loop without the model: what a turn costs with Cedar, journal, audit and schema check; many loops at once; the first streamed text.

`python -m benchmarks.reasoning [--loops N] [--turns N]`: the model is a stand-in in the same process that answers at once (or after 50 ms), each turn calls the
tool `clock`. A turn's overhead is the time from the end of one answer to the next question: two effects through the gate, both durable.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from symbi import hookimpl
from symbi.contracts.models import ChatEnd, ChatRequest, ModelProvider, ModelUsage, TextDelta, ToolCallDelta

PLUGINS = ("agents", "approvals", "audit", "cedar", "dsl", "policy", "process", "reasoning", "runs", "tools")
AGENT = 'agent looper(message: string) { description: "Looks at the clock" }'
POLICY = """
permit (principal, action == Symbi::Action::"reason", resource);
permit (principal, action == Symbi::Action::"tool_call::clock", resource);
forbid (principal, action == Symbi::Action::"tool_call::http_get", resource);
"""


class Model:
    """Answers with a call until a loop has had its turns; notes the pauses between its answers and the next questions."""

    __name__ = "standin"
    default_model = "instant"

    def __init__(self) -> None:
        self.turns = 10
        self.seconds = 0.0
        self.answered: dict[str, float] = {}
        self.pauses: list[float] = []
        self.first_text = 0.0

    @hookimpl
    def llm_providers(self) -> Any:
        @contextlib.asynccontextmanager
        async def opened(config: Any, context: Any) -> AsyncIterator[Model]:
            yield self

        yield ModelProvider(name="standin", open=opened)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Any]:
        loop = request.messages[1].content
        if loop in self.answered:
            self.pauses.append((time.perf_counter() - self.answered[loop]) * 1000)
        await asyncio.sleep(self.seconds)
        results = sum(message.role == "tool" for message in request.messages)
        if results < self.turns:
            yield ToolCallDelta(index=0, id=f"c{results}", name="clock", arguments="{}")
        else:
            self.first_text = time.perf_counter()
            yield TextDelta(text="done")
        self.answered[loop] = time.perf_counter()
        yield ChatEnd(finish="stop", model="instant", usage=ModelUsage(prompt_tokens=10, completion_tokens=2))


async def one(runs: Any, name: str) -> float:
    """Run one loop; return the milliseconds from the first text to its event."""
    from symbi.contracts.principal import LOCAL_ADMIN
    from symbi.contracts.runs import RunOptions

    run = await runs.start("looper", {"message": name}, principal=LOCAL_ADMIN, options=RunOptions(definition=AGENT))
    seen = 0.0
    async for event in runs.events(run.run_id):
        if event.kind == "chunk":
            seen = time.perf_counter()
    ended = await runs.get(run.run_id)
    assert ended.status == "completed", ended.error
    return seen


async def measure(executor: str, loops: int, turns: int) -> None:
    """Measure one executor and print its rows."""
    from symbi.contracts.runs import RunService
    from symbi.testing.kernels import open_kernel

    model = Model()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "policies").mkdir()
        (folder / "policies" / "bench.cedar").write_text(POLICY)
        tables = {
            "llm": {"provider": "standin"},
            "policy": {"directory": str(folder / "policies")},
            "reasoning": {
                "max_iterations": 500,
                "max_tool_calls": 500,
                "max_total_tokens": 10_000_000,
                "context_tokens": 1_000_000,
            },
            "execution": {"executor": executor, "max_running": 200},
        }
        names: list[Any] = [f"symbi_{name}.plugin" for name in PLUGINS]
        async with open_kernel(folder, [*names, model], tables=tables) as kernel:
            runs = kernel.services.get(RunService)
            await one(runs, "warm up")
            model.turns, model.pauses = turns, []
            lags = []
            for number in range(3):
                seen = await one(runs, f"alone {number}")
                lags.append((seen - model.first_text) * 1000)
            alone = sorted(model.pauses)
            print(
                f"{executor:8} one loop         median {statistics.median(alone):6.2f} ms a turn, p95 {alone[int(len(alone) * 0.95)]:6.2f} ms"
            )
            print(
                f"{executor:8} first text       median {statistics.median(lags):6.2f} ms from the provider to a follower of the run"
            )
            model.turns, model.pauses, model.seconds = 10, [], 0.05
            began = time.perf_counter()
            await asyncio.gather(*(one(runs, f"loop {number}") for number in range(loops)))
            took = time.perf_counter() - began
            many = sorted(model.pauses)
            text = f"median {statistics.median(many):6.1f} ms a turn, p95 {many[int(len(many) * 0.95)]:6.1f} ms, {len(many) / took:.0f} turns/s"
            print(f"{executor:8} {loops:3} loops at once {text}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loops", type=int, default=100)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--executor", action="append")
    chosen = parser.parse_args()
    for executor in chosen.executor or ["process", "inline"]:
        asyncio.run(measure(executor, chosen.loops, chosen.turns))


if __name__ == "__main__":
    main()
