"""Programs that look round in a sandbox."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any


def look(job: Any, effects: Any) -> Any:
    seen: dict[str, Any] = {
        "asked": effects.call("echo", "x", {"n": 1}),
        "processes": [name for name in os.listdir("/proc") if name.isdigit()],
    }
    Path("mine").write_text("written")
    for name, path in (
        ("secret", job.arguments["secret"]),
        ("shadow", "/etc/shadow"),
        ("home", "/root"),
        ("data", job.arguments["data"]),
    ):
        try:
            seen[name] = os.listdir(path) if os.path.isdir(path) else Path(path).read_text()
        except OSError as error:
            seen[name] = type(error).__name__
    try:
        Path("/usr/written").write_text("no")
        seen["system"] = "written"
    except OSError as error:
        seen["system"] = type(error).__name__
    try:
        with socket.create_connection(("127.0.0.1", job.arguments["port"]), timeout=2):
            seen["network"] = "connected"
    except OSError as error:
        seen["network"] = type(error).__name__
    return seen


def hog(job: Any, effects: Any) -> Any:
    kept = []
    while True:
        kept.append(bytearray(4 << 20))


def sleeper(job: Any, effects: Any) -> Any:
    import time

    time.sleep(60)


def dies(job: Any, effects: Any) -> Any:
    import signal

    os.kill(os.getpid(), signal.SIGSEGV)
