"""A real server with every installed plugin, in a process of its own, over a project that `symbi init` wrote."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


class Server:
    """One running server: its URL, token, folder and process."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], url: str, token: str) -> None:
        self.folder = folder
        self.process = process
        self.url = url
        self.token = token
        self.client = httpx.Client(
            base_url=f"{url}/api/v1", headers={"authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )

    def stop(self, *, how: int = signal.SIGTERM, timeout: float = 45) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without anything that Symbi reads."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SYMBI", "API_AUTH", "OTEL", "OPENROUTER", "QDRANT"))
    }


def start(folder: Path, *arguments: str) -> Server:
    """Start `symbi up` over a project's folder and wait until it answers."""
    environment = {**clean_environment(), **_dotenv(folder)}
    log = (folder / "server.log").open("ab")
    state = folder / ".symbi" / "server.json"
    state.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "symbi.cli", "up", "--port", "0", *arguments],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=log,
    )
    log.close()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if state.exists():
            found = json.loads(state.read_text())
            return Server(folder, process, found["url"], environment["API_AUTH_TOKEN"])
        time.sleep(0.05)
    process.kill()
    raise AssertionError((folder / "server.log").read_text())


def make_project(folder: Path) -> Path:
    """Write a fresh project and return its folder."""
    subprocess.run(
        [sys.executable, "-m", "symbi.cli", "init", str(folder)],
        check=True,
        capture_output=True,
        env=clean_environment(),
    )
    return folder


def _dotenv(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines() if "=" in line)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give one server for all tests that do not stop it."""
    running = start(make_project(tmp_path_factory.mktemp("system") / "project"))
    yield running
    assert running.stop() == 0, (running.folder / "server.log").read_text()[-3000:]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a fresh project of the test's own."""
    return make_project(tmp_path / "project")


@pytest.fixture
def start_server() -> Iterator[object]:
    """Give `start_server(folder, *arguments)`; what still runs at the end is killed."""
    running: list[Server] = []

    def begin(folder: Path, *arguments: str) -> Server:
        running.append(start(folder, *arguments))
        return running[-1]

    yield begin
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
