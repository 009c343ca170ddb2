"""GET /health through all of the HTTP layer, beside a bare Litestar route on the same server; and that bare route on uvicorn and granian.

    python -m benchmarks.http [--seconds 1] [--rounds 9]

Needs `wrk` (Debian: apt-get install wrk); the granian row needs `pip install granian`. The contestants alternate in short rounds, and a ratio
is the median of the rounds' own, since other work on the machine would otherwise decide. CPU is the server process's time per request.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

GOAL = 0.6
PATH = "/api/v1/health"


def main() -> None:
    """Run the comparison and print requests per second and ratios; exit 1 where the goal is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--serve", choices=("bare", "full"), help=argparse.SUPPRESS)
    arguments.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.serve:
        _serve(options.serve, options.port)
        return
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; apt-get install wrk")
    contestants = {"bare, uvicorn": _own("bare"), "symbi, uvicorn": _own("full")}
    if importlib.util.find_spec("granian"):
        contestants["bare, granian"] = _granian()
    results = _measure(contestants, seconds=options.seconds, rounds=options.rounds)
    bare = results["bare, uvicorn"]
    for name, each in results.items():
        rate, cpu = statistics.median(run.rate for run in each), statistics.median(run.cpu_us for run in each)
        print(f"{name:16s} {rate:9.0f} requests/s  {_ratio(each, bare):5.2f} x bare   {cpu:6.1f} us CPU per request")
    ratio = _ratio(results["symbi, uvicorn"], bare)
    print(f"goal: at least {GOAL} x bare; measured {ratio:.2f}")
    sys.exit(0 if ratio >= GOAL else 1)


class Run(NamedTuple):
    """One round of one contestant."""

    rate: float
    cpu_us: float


def _ratio(each: list[Run], bare: list[Run]) -> float:
    return statistics.median(one.rate / other.rate for one, other in zip(each, bare, strict=True))


def _measure(contestants: dict[str, list[str]], *, seconds: int, rounds: int) -> dict[str, list[Run]]:
    results: dict[str, list[Run]] = {name: [] for name in contestants}
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(_running(command)) for name, command in contestants.items()}
        for _ in range(rounds):
            for name, (url, pid) in servers.items():
                before = _cpu_seconds(pid)
                rate = _wrk(url, seconds)
                results[name].append(Run(rate, (_cpu_seconds(pid) - before) / (rate * seconds) * 1e6))
    return results


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its children that still run (Linux)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(
        _cpu_seconds(int(child)) for child in children
    )


def _wrk(url: str, seconds: int) -> float:
    text = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}", url], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in text:
        sys.exit(f"{url} answered with errors:\n{text}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert found is not None, text
    return float(found[1])


def _own(kind: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.http", "--serve", kind, "--port", "{port}"]


def _granian() -> list[str]:
    return [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--loop",
        "uvloop",
        "--log-level",
        "warning",
        "--port",
        "{port}",
        "benchmarks.http:bare_app",
    ]


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[tuple[str, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([part.format(port=port) for part in command])
    url = f"http://127.0.0.1:{port}{PATH}"
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url, timeout=1).read()
                break
            time.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(10)


def _serve(kind: str, port: int) -> None:
    from symbi.http.server import run_loop

    with tempfile.TemporaryDirectory() as folder:
        run_loop(_bare(port) if kind == "bare" else _full(port, Path(folder)))


def _bare_app() -> object:
    from litestar import Litestar, get

    @get(PATH)
    async def health() -> dict[str, object]:
        return {"status": "healthy", "uptime_seconds": 3600, "timestamp": "2024-01-15T10:30:00Z", "version": "1.0.0"}

    return Litestar([health], openapi_config=None, logging_config=None)


async def _bare(port: int) -> None:
    import uvicorn

    config = uvicorn.Config(_bare_app(), port=port, http="httptools", loop="none", access_log=False, log_config=None)  # type: ignore[arg-type]  # an ASGI application
    await uvicorn.Server(config).serve()


async def _full(port: int, folder: Path) -> None:
    from symbi.http.app import create_app
    from symbi.http.server import bind, serve
    from symbi.testing.kernels import open_kernel

    async with open_kernel(folder, environ={"API_AUTH_TOKEN": "a-long-enough-token-0123456789"}) as kernel:
        await serve(create_app(kernel), bind("127.0.0.1", port), data_dir=kernel.data_dir)


def __getattr__(name: str) -> object:
    if name == "bare_app":
        return _bare_app()
    raise AttributeError(name)


if __name__ == "__main__":
    main()
