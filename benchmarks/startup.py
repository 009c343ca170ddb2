"""What a user waits for: help, imports, discovery, the first healthy answer; and agents created over HTTP.

    python -m benchmarks.startup [--rounds 5]

Each figure is the median of fresh processes. The peer of an import is `import click`, of the server's start a bare Litestar application on uvicorn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

BARE = """
import uvicorn
from litestar import Litestar, get
@get("/api/v1/health", sync_to_thread=False)
def health() -> dict[str, str]:
    return {"status": "healthy"}
uvicorn.run(Litestar([health]), port=int(__import__("sys").argv[1]), log_level="error")
"""
DSL = 'metadata { version = "1" description = "d" }\nagent made { capabilities = ["clock"]\n with timeout = 5.seconds { return 1; } }'


def main() -> None:
    """Print the figures beside their goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    _show("symbi --help", _timed([sys.executable, "-m", "symbi.cli", "--help"], rounds), "≤ 0.250 s")
    kernel = _timed([sys.executable, "-c", "import symbi.kernel.kernel"], rounds)
    empty = _timed([sys.executable, "-c", "pass"], rounds)
    click = _timed([sys.executable, "-c", "import click"], rounds)
    _show("import the kernel", kernel - empty, f"≤ 0.080 s; import click {click - empty:.3f} s")
    _show("discover and register all plugins", _discovery(rounds), "≤ 0.040 s")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        subprocess.run([sys.executable, "-m", "symbi.cli", "init", str(project)], check=True, capture_output=True)
        ours = [
            _start([sys.executable, "-m", "symbi.cli", "up", "--log-level", "error", "--port"], project)
            for _ in range(rounds)
        ]
        bare = [_start([sys.executable, "-c", BARE], project) for _ in range(rounds)]
        _show(
            "symbi up to the first healthy answer",
            statistics.median(ours),
            f"≤ 1.5 s; a bare Litestar {statistics.median(bare):.2f} s",
        )
        print(f"{'POST /agents, 32 clients':40s} {asyncio.run(_creations(project)):8.0f} /s  goal ≥ 500/s")


def _timed(command: list[str], rounds: int) -> float:
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])


def _discovery(rounds: int) -> float:
    code = (
        "import time\nfrom symbi.kernel.manager import PluginManager\nfrom symbi.kernel.points import COMMANDS\n"
        "t=time.perf_counter()\nm=PluginManager(); m.discover(); m.collect(COMMANDS)\nprint(time.perf_counter()-t)"
    )
    found = [
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
        for _ in range(rounds + 1)
    ]
    return statistics.median(found[1:])


def _start(command: list[str], folder: Path) -> float:
    port = _free_port()
    began = time.perf_counter()
    process = subprocess.Popen([*command, str(port)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        return time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


async def _creations(project: Path, count: int = 2000, clients: int = 32) -> float:
    import httpx

    port = _free_port()
    token = dict(line.split("=", 1) for line in (project / ".env").read_text().splitlines())["API_AUTH_TOKEN"]
    server = [sys.executable, "-m", "symbi.cli", "up", "--log-level", "error", "--port", str(port)]
    process = subprocess.Popen(
        server,
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "API_AUTH_TOKEN": token},
    )
    try:
        await asyncio.to_thread(_wait, port)
        head = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/api/v1", headers=head, limits=httpx.Limits(max_connections=clients)
        ) as client:
            left = iter(range(count))

            async def work() -> None:
                for number in left:
                    answer = await client.post("/agents", json={"name": f"agent-{number}", "dsl": DSL})
                    assert answer.status_code == 200, answer.text

            began = time.perf_counter()
            await asyncio.gather(*(work() for _ in range(clients)))
            return count / (time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait(port: int) -> None:
    for _ in range(3000):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=2) as answer:
                assert json.load(answer)["status"] == "healthy"
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    raise TimeoutError("the server did not answer")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _show(name: str, seconds: float, goal: str) -> None:
    print(f"{name:40s} {seconds:8.3f} s  goal {goal}")


if __name__ == "__main__":
    main()
