"""How many durable audit records a second, beside a bare JSONL file with one fdatasync a record; and how fast a log is verified.

`python -m benchmarks.audit [--seconds 2] [--clients 64] [--json]`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.store import report
from symbi.kernel.clock import SystemClock
from symbi_audit.config import AuditConfig
from symbi_audit.service import open_audit
from symbi_audit.verify import verify_log

DETAILS = {
    "action": "tool_call",
    "arguments": {"url": "https://example.com/search?q=symbi", "headers": {"accept": "text/html"}},
    "policies": ["allow-http-get"],
    "reason": "permitted by allow-http-get",
    "revision": "5f2b7c1d9e",
}


def bare(folder: Path, seconds: float) -> float:
    """One JSON line, one fdatasync; no chain, no masking, no signature. Lines a second."""
    fd = os.open(folder / "bare.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        os.write(fd, json.dumps({"seq": count, **DETAILS}).encode() + b"\n")
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    return count / (time.perf_counter() - started)


async def measure(folder: Path, seconds: float, clients: int) -> dict[str, Any]:
    config = AuditConfig()
    context: Any = SimpleNamespace(data_dir=folder, clock=SystemClock())
    times: list[float] = []
    async with open_audit(config, context) as log:
        until = time.perf_counter() + seconds

        async def client() -> None:
            while (begun := time.perf_counter()) < until:
                await log.append(
                    "policy.decision", principal="user:ann", subject="tool:http_get", outcome="allow", details=DETAILS
                )
                times.append(time.perf_counter() - begun)

        started = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        rate = len(times) / (time.perf_counter() - started)
    started = time.perf_counter()
    verdict = verify_log(config.places(folder))
    assert verdict.ok, verdict.reason
    return {
        "appends_per_s": rate,
        "append_p99_ms": sorted(times)[int(len(times) * 0.99)] * 1000,
        "verified_per_s": verdict.records / (time.perf_counter() - started),
        "records": verdict.records,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        before = bare(Path(name), options.seconds)
        found: dict[str, Any] = {"audit": asyncio.run(measure(Path(name), options.seconds, options.clients))}
        found["bare_jsonl_per_s"] = (before + bare(Path(name), options.seconds)) / 2
        found["ratio_to_bare_jsonl"] = found["audit"]["appends_per_s"] / found["bare_jsonl_per_s"]
    report(found, as_json=options.json)


if __name__ == "__main__":
    main()
