"""Channels: from an event to the start of its run, sustained events, duplicates, and what an idle channel costs.

`python -m benchmarks.channels [--seconds 5] [--json]`. The platform is in memory, runs are counted instead of made; the store (SQLite, durable), the audit log
(durable) and everything between are real.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

KIT = Path(__file__).parents[1] / "plugins" / "channels" / "tests" / "conftest.py"


def load_kit() -> Any:
    """Return the fakes of the plugin's own tests."""
    spec = importlib.util.spec_from_file_location("channels_kit", KIT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["channels_kit"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def measure(seconds: float) -> dict[str, Any]:
    """Return the figures."""
    kit = load_kit()
    world = kit.World(others=["symbi_audit.plugin"])
    world.runs.answer = None
    began: dict[str, float] = {}
    taken: dict[str, float] = {}
    start = world.runs.start

    async def timed(agent: str, given: Any, **options: Any) -> Any:
        taken[given["message"]] = time.perf_counter()
        return await start(agent, given, **options)

    world.runs.start = timed
    with tempfile.TemporaryDirectory() as folder:
        async with world.opened(Path(folder)):
            await world.channel(slow_notice_seconds=0)
            await kit.until_true(lambda: world.room.accepts)
            accept = world.room.accepts[0]
            single = await latencies(kit, accept, began, taken)
            rate = await sustained(kit, accept, taken, seconds)
            twice = await duplicates(kit, accept, world)
            idle = await idle_share()
    return {"event_to_start_ms": single, **rate, **twice, **idle}


async def latencies(kit: Any, accept: Any, began: dict[str, float], taken: dict[str, float]) -> dict[str, float]:
    """One event at a time, 200 of them."""
    for number in range(200):
        text = f"single {number}"
        began[text] = time.perf_counter()
        await accept(kit.a_message(text, number=f"s{number}", conversation=f"C{number % 7}"))
        while text not in taken:  # what is measured is the time until then
            await asyncio.sleep(0.0005)
    times = sorted((taken[text] - began[text]) * 1000 for text in began)
    return {"p50": round(statistics.median(times), 2), "p95": round(times[int(len(times) * 0.95)], 2)}


async def sustained(kit: Any, accept: Any, taken: dict[str, float], seconds: float) -> dict[str, Any]:
    """200 events a second, acknowledged and acted on."""
    count = int(200 * seconds)
    acknowledged: list[float] = []
    first = time.perf_counter()

    async def one(number: int) -> None:
        await asyncio.sleep(number / 200)
        at = time.perf_counter()
        await accept(kit.a_message(f"many {number}", number=f"m{number}", conversation=f"C{number % 20}"))
        acknowledged.append((time.perf_counter() - at) * 1000)

    await asyncio.gather(*(one(number) for number in range(count)))
    await kit.until_true(lambda: sum(text.startswith("many") for text in taken) == count, seconds=60)
    acknowledged.sort()
    done = time.perf_counter() - first
    return {
        "events": count,
        "acted_on": count,
        "events_per_second": round(count / done, 1),
        "acknowledged_ms_p99": round(acknowledged[int(count * 0.99)], 2),
    }


async def duplicates(kit: Any, accept: Any, world: Any) -> dict[str, Any]:
    """10,000 times the same event."""
    before = len(world.runs.started)
    began = time.perf_counter()
    for _ in range(100):
        await asyncio.gather(*(accept(kit.a_message("again", number="same")) for _ in range(100)))
    await asyncio.sleep(0.2)
    return {
        "duplicates": 10_000,
        "runs_of_duplicates": len(world.runs.started) - before,
        "duplicates_seconds": round(time.perf_counter() - began - 0.2, 2),
    }


async def idle_share() -> dict[str, float]:
    """CPU time of this process with one idle channel, over ten seconds, beyond the kernel's own."""
    await asyncio.sleep(1)
    cpu, wall = time.process_time(), time.monotonic()
    await asyncio.sleep(10)
    return {"idle_core_percent": round(100 * (time.process_time() - cpu) / (time.monotonic() - wall), 3)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(measure(options.seconds))
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
