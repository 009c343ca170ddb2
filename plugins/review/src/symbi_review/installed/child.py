"""Runs one function of an installed tool in this process, with exactly its permissions. Started by `symbi_review.installed.runner`.

The audit hook is a fence for reviewed code, not a cell for hostile code: resource limits, an empty environment and a scratch folder stand behind it.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from typing import Any

__all__ = ["Fence", "main"]

_SPAWNS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)
_CHANGES = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
    "os.truncate",
    "shutil.rmtree",
    "shutil.move",
    "shutil.copyfile",
)
_NEVER = ("ctypes.", "sys.addaudithook", "os.kill", "signal.pthread_kill", "sys.setprofile", "sys.settrace", "mmap.")


class Fence:
    """An audit hook that refuses what the permissions do not grant."""

    def __init__(self, permissions: list[str], scratch: str) -> None:
        self._heads = {word.partition(":")[0] for word in permissions}
        self._words = set(permissions)
        self._scratch = os.path.realpath(scratch) + os.sep
        own = {os.path.realpath(path) for path in [*sys.path, sys.prefix, sys.base_prefix] if path}
        self._library = (
            *tuple(path + os.sep for path in own),
            "/usr/share/zoneinfo/",
            "/etc/ssl/",
            "/etc/localtime",
            "/dev/urandom",
            "/dev/null",
        )

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(_NEVER):
            self._refuse(event)
        elif event == "open":
            self._open(args)
        elif event.startswith(_SPAWNS):
            self._spawn(event, args)
        elif event.startswith(_CHANGES) and not self._inside(args[0] if args else ""):
            self._need("fs.write", event)
        elif event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
            self._connect(event, args)
        elif event in ("socket.bind", "socket.listen"):
            self._need("net.listen", event)
        elif (
            event == "sqlite3.connect"
            and args
            and args[0] != ":memory:"
            and not self._heads & {"db.read", "db.write", "fs.read", "fs.write"}
        ):
            self._refuse(event)

    def _refuse(self, what: str) -> None:
        raise PermissionError(f"the tool was not approved for {what}")

    def _need(self, head: str, what: str) -> None:
        if head not in self._heads:
            self._refuse(f"{head} ({what})")

    def _inside(self, path: Any) -> bool:
        return isinstance(path, str | bytes | os.PathLike) and os.path.realpath(os.fsdecode(path)).startswith(
            self._scratch
        )

    def _open(self, args: tuple[Any, ...]) -> None:
        path, _mode, flags = args
        if not isinstance(path, str | bytes) or self._inside(path):
            return
        real = os.path.realpath(os.fsdecode(path))
        writes = isinstance(flags, int) and bool(
            flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        )
        if not writes and real.startswith(self._library):
            return
        self._need("fs.write" if writes else "fs.read", real)

    def _spawn(self, event: str, args: tuple[Any, ...]) -> None:
        self._need("process.spawn", event)
        if "process.spawn" in self._words:
            return
        program = os.path.basename(os.fsdecode(args[0])) if args and isinstance(args[0], str | bytes) else ""
        if event in ("os.fork", "os.forkpty"):
            return
        if f"process.spawn:{program}" not in self._words and not (
            program.startswith("python") and "process.spawn:python" in self._words
        ):
            self._refuse(f"process.spawn:{program or event}")

    def _connect(self, event: str, args: tuple[Any, ...]) -> None:
        self._need("net.outbound", event)
        if "net.outbound" in self._words:
            return
        host = args[0] if event.startswith("socket.get") else None
        if isinstance(host, bytes):
            host = host.decode("ascii", "replace")
        allowed = {word.partition(":")[2] for word in self._words if word.startswith("net.outbound:")}
        if isinstance(host, str) and not any(host == name or host.endswith("." + name) for name in allowed):
            self._refuse(f"net.outbound:{host}")


def main() -> None:
    """Read the job from standard input, write `{result}` or `{error}` to a duplicate of standard output."""
    job = json.loads(sys.stdin.buffer.read())
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer: dict[str, Any]
    try:
        sys.addaudithook(Fence(job["permissions"], os.getcwd()))
        scope: dict[str, Any] = {"__name__": "symbi_tool", "__file__": "tool.py"}
        exec(compile(job["source"], "tool.py", "exec"), scope)  # noqa: S102  # reviewed, signed and verified source, inside the fence
        function = scope[job["function"]]
        function = getattr(function, "fn", function)
        result = function(**job["arguments"])
        if inspect.isawaitable(result):
            import asyncio

            async def finish(value: Any = result) -> Any:
                return await value

            result = asyncio.run(finish())
        answer = {"result": result}
        encoded = json.dumps(answer, default=str).encode()
    except BaseException as error:  # whatever the tool raises is its answer
        encoded = json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]}).encode()
    out.write(encoded)
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
