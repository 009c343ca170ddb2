"""The warden: a small single-threaded process that starts, confines, reaps and ends the agent hosts.

It never held a key, so what is forked from it cannot either. Every orphan of a run comes to it (it is their sub-reaper) and is ended; when
the runtime is gone, however it went, the warden ends everything and leaves.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import time

from symbi_process import host
from symbi_process.confine import CHANNEL, Confinement, confine, own_processes, reap_orphans
from symbi_process.frames import End
from symbi_process.frames import encode as frame
from symbi_process.orders import PACKET, Died, Preload, Signal, Spawn, Spawned, decode_order, encode

__all__ = ["Warden", "main"]


class Warden:
    """The table of children and the loop that serves it."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pid = os.getpid()
        self._ids: dict[int, int] = {}
        self._pids: dict[int, int] = {}
        self._finished: list[Died] = []
        self._counted_at = -1.0
        self._counted = 0

    def run(self) -> None:
        """Serve until the runtime is gone, then end every child."""
        wake_read, wake_write = os.pipe()
        for descriptor in (wake_read, wake_write):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda number, unused: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        serving = True
        while serving:
            for key, _ in selector.select():
                if key.fileobj is self._control:
                    serving = self._serve() and serving
                else:
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake_read, 4096)
            self._reap()
        self._end_all()

    def _serve(self) -> bool:
        packet, descriptors, _, _ = socket.recv_fds(self._control, PACKET, 2)
        if not packet:
            return False
        order = decode_order(packet)
        if isinstance(order, Spawn):
            self._spawn(order, descriptors)
        elif isinstance(order, Signal):
            self._signal(order.id, order.number)
        elif isinstance(order, Preload):
            self._preload(order.modules)
        return True

    def _others(self, plan: Confinement) -> int:
        """Count the processes of this user, at most once a second; a limit does not bind root, nor count where the child gets its own user."""
        if plan.user is not None or os.geteuid() == 0:
            return 0
        now = time.monotonic()
        if now - self._counted_at > 1.0:
            self._counted_at, self._counted = now, own_processes()
        return self._counted

    def _spawn(self, order: Spawn, descriptors: list[int]) -> None:
        others = self._others(order.plan)
        try:
            pid = os.fork()
        except OSError as error:
            self._send(Spawned(order.id, error=f"no further process can be started: {error}"))
        else:
            if pid == 0:
                self._become_child(order, descriptors, others)
            self._ids[pid] = order.id
            self._pids[order.id] = pid
            self._send(Spawned(order.id, pid))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _become_child(self, order: Spawn, descriptors: list[int], others: int) -> None:
        """Never returns: this is the child."""
        channel, output = descriptors
        try:
            confine(order.plan, channel=channel, output=output, parent=self._pid, others=others)
            if order.command:
                os.set_inheritable(CHANNEL, True)
                os.execve(order.command[0], list(order.command), order.plan.environment)  # noqa: S606  # no shell is the point
            sys.stdout = open(1, "w", closefd=False, encoding="utf-8", errors="replace")  # noqa: SIM115
            sys.stderr = open(2, "w", closefd=False, encoding="utf-8", errors="replace")  # noqa: SIM115
            host.serve(CHANNEL)
            os._exit(0)
        except BaseException as error:
            _tell_unconfined(order.plan, channel, error)
        finally:
            os._exit(71)

    def _signal(self, identity: int, number: int) -> None:
        pid = self._pids.get(identity)
        if pid is None:
            return
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            # before its setsid() the child is not yet the leader of a group
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        except PermissionError:
            return

    def _preload(self, modules: tuple[str, ...]) -> None:
        for name in modules:
            # What cannot be imported here fails honestly in the child that needs it.
            with contextlib.suppress(BaseException):
                importlib.import_module(name)
        gc.collect()
        gc.freeze()

    def _reap(self) -> None:
        ended = False
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            identity = self._ids.pop(pid, None)
            if identity is None:
                continue
            ended = True
            self._pids.pop(identity, None)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            cpu = usage.ru_utime + usage.ru_stime
            self._finished.append(Died(identity, status, cpu, usage.ru_maxrss * 1024))
        if ended:
            strays = self._end_strays()
            for died in self._finished:
                self._send(Died(died.id, died.status, died.cpu_seconds, died.peak_memory_bytes, strays))
            self._finished.clear()

    def _end_strays(self) -> int:
        """End what has come to the warden as an orphan: each live run keeps its own orphans, so these belong to ended ones."""
        count = 0
        for _ in range(1000):
            strays = [pid for pid in _children(self._pid) if pid not in self._ids]
            if not strays:
                break
            for pid in strays:
                count += 1
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            for pid in strays:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
        return count

    def _end_all(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            children = _children(self._pid)
            if not children:
                return
            for pid in children:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.005)

    def _send(self, report: Spawned | Died) -> None:
        try:
            self._control.sendall(encode(report))
        except OSError:
            # The runtime is gone; the next turn of the loop reads the end of its socket.
            return


def _tell_unconfined(plan: Confinement, channel: int, error: BaseException) -> None:
    text = f"the child could not be confined in {plan.folder!r}: {type(error).__name__}: {error}"
    message = frame(End("failed", code="not_confined", message=text))
    for descriptor in (channel, CHANNEL):
        try:
            os.write(descriptor, message)
        except OSError:
            continue
        return


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return [child for child, parent in _parents() if parent == pid]


def _parents() -> list[tuple[int, int]]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    found.append((int(name), int(file.read().rpartition(b")")[2].split()[1])))
            except OSError:
                continue
    return found


def main() -> None:
    """Serve on the control socket that was left open as the given file descriptor."""
    reap_orphans()
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path += sys.argv[2:]
    control.set_inheritable(False)
    Warden(control).run()


if __name__ == "__main__":
    main()
