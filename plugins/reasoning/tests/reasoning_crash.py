"""A runtime that is killed: `reasoning_crash.py FOLDER CALLS`; it stops for ever after CALLS tool calls, or finishes with -1."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent))


def append(path: Path, word: str) -> None:
    with path.open("a") as file:
        file.write(f"{word}\n")


async def main(folder: Path, most: int) -> None:
    from conftest import StandIns, World

    from symbi.contracts.principal import LOCAL_ADMIN
    from symbi.contracts.runs import RunService
    from symbi.testing.kernels import open_kernel
    from symbi.testing.models import Reply

    world = World()

    def script(request: Any) -> Any:
        results = sum(message.role == "tool" for message in request.messages)
        append(folder / "asked", str(results))
        if results >= 6:
            return Reply(text="done")
        return Reply(
            calls=(("echo", {"n": results}), ("echo", {"n": results + 1})), call_ids=(f"c{results}", f"c{results + 1}")
        )

    async def call(name: str, arguments: dict[str, Any], *, run: Any) -> Any:
        if 0 <= most <= arguments["n"]:
            (folder / "reached").touch()
            await asyncio.sleep(60)
        append(folder / "calls", str(arguments["n"]))
        return arguments

    world.script = script
    plugin = StandIns(world)
    tables = {
        "llm": {"provider": "scripted"},
        "reasoning": {"max_concurrent_tools": 1},
        "execution": {"executor": "process", "lease_seconds": 1.0, "max_losses": 5},
    }
    import conftest

    conftest.FakeTools.call = staticmethod(call)  # type: ignore[assignment,method-assign]
    names = ["symbi_runs.plugin", "symbi_process.plugin", "symbi_reasoning.plugin", plugin]
    async with open_kernel(folder, names, tables=tables) as kernel:
        runs = kernel.services.get(RunService)
        known = await runs.list()
        run = known[0] if known else await runs.start("helper", "do it", principal=LOCAL_ADMIN)
        ended = await runs.wait(run.run_id, timeout=50)
        print(msgspec.json.encode({"status": ended.status, "result": ended.result, "error": ended.error}).decode())


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
