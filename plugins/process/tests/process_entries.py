"""Programs that the tests run in agent hosts: good ones, and every kind of bad one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def echo(job: Any, effects: Any) -> Any:
    return effects.call("echo", "name", {"arguments": job.arguments})


def world(job: Any, effects: Any) -> Any:
    links = {
        name: os.readlink(f"/proc/self/fd/{name}")
        for name in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{name}")
    }
    return {
        "environment": dict(os.environ),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "folder": os.getcwd(),
        "mode": oct(os.stat(".").st_mode & 0o777),
        "session": os.getsid(0) == os.getpid(),
        "stdin": sys.stdin.read() if sys.stdin else "",
        "descriptors": links,
    }


def many(job: Any, effects: Any) -> Any:
    replies = effects.call_many([("echo", str(n), {"n": n}) for n in range(100)])
    return [reply.value["n"] for reply in replies]


def steps(job: Any, effects: Any) -> Any:
    for line in range(100_000):
        effects.step(line)
    effects.log("done", line=7)
    return None


def denied(job: Any, effects: Any) -> Any:
    return effects.call("deny", "x", {})


def raises(job: Any, effects: Any) -> Any:
    raise ValueError("no such luck")


def not_json(job: Any, effects: Any) -> Any:
    return object()


def huge_result(job: Any, effects: Any) -> Any:
    return "x" * (2 << 20)


def sleeper(job: Any, effects: Any) -> Any:
    print("asleep", flush=True)
    time.sleep(60)


def deaf(job: Any, effects: Any) -> Any:
    """Ignores SIGTERM, with a grandchild in a session of its own that does the same."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    grandchild = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    effects.log(str(grandchild.pid))
    time.sleep(60)


def leaves_a_daemon(job: Any, effects: Any) -> Any:
    code = "import os, time; os.fork() and os._exit(0); os.setsid(); open('daemon', 'w').write(str(os.getpid())); time.sleep(60)"
    subprocess.run([sys.executable, "-c", code], check=True)
    for _ in range(200):
        if os.path.exists("daemon") and (text := Path("daemon").read_text()):
            return int(text)
        time.sleep(0.01)
    return None


def fork_bomb(job: Any, effects: Any) -> Any:
    count = 0
    while True:
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            count += 1
        except OSError:
            return count


def hog(job: Any, effects: Any) -> Any:
    kept = []
    while True:
        kept.append(bytearray(4 << 20))


def group_hog(job: Any, effects: Any) -> Any:
    """Each process stays under the limit alone; together they are over it."""
    for _ in range(4):
        if os.fork() == 0:
            kept = bytearray(os.urandom(1)) * (40 << 20)
            time.sleep(60)
            os._exit(len(kept) & 1)
    time.sleep(60)


def spin(job: Any, effects: Any) -> Any:
    while True:
        pass


def big_file(job: Any, effects: Any) -> Any:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    with open("big", "wb") as file:
        while True:
            file.write(b"x" * 65536)


def many_files(job: Any, effects: Any) -> Any:
    files = []
    try:
        while True:
            files.append(open("/dev/null"))  # noqa: SIM115  # they are to stay open
    except OSError:
        return len(files)


def writes(job: Any, effects: Any) -> Any:
    block = b"x" * (1 << 20)
    for _ in range(job.arguments["mib"]):
        os.write(1, block)
    os.write(1, b"the end")
    return "written"


def dies(job: Any, effects: Any) -> Any:
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(5)


def exits(job: Any, effects: Any) -> Any:
    os._exit(3)


def network(job: Any, effects: Any) -> Any:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        return error.errno
    return 0


def garbage(job: Any, effects: Any) -> Any:
    os.write(3, b"\x00\x00\x00\x05hello")
    time.sleep(60)


def endless_frame(job: Any, effects: Any) -> Any:
    os.write(3, b"\xff\xff\xff\xff")
    time.sleep(60)


def lies(job: Any, effects: Any) -> Any:
    body = b'{"type":"end","status":"glorious"}'
    os.write(3, len(body).to_bytes(4, "big") + body)
    time.sleep(60)


def silent(job: Any, effects: Any) -> Any:
    signal.setitimer(signal.ITIMER_REAL, 0)
    time.sleep(60)


def big_numbers(job: Any, effects: Any) -> Any:
    return effects.call("echo", "n", {"n": 10**40})["n"] + 1
