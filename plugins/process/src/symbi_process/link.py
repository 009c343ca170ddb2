"""The runtime's end of the warden: starts it when it is needed, sends orders, takes reports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable

from symbi.contracts.errors import Unavailable
from symbi_process.confine import Confinement
from symbi_process.orders import PACKET, Died, Preload, Signal, Spawn, Spawned, decode_report, encode

__all__ = ["WardenLink"]

_Parcel = tuple[bytes, tuple[int, ...]]


class WardenLink:
    """One warden process and the children it holds; a warden that has died is replaced at the next start."""

    def __init__(self, *, preload: tuple[str, ...] = (), import_folders: tuple[str, ...] = ()) -> None:
        self._import_folders = import_folders
        self._preload = list(preload)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._next = 0
        self._starting: dict[int, asyncio.Future[int]] = {}
        self._ends: dict[int, Callable[[Died | None], None]] = {}
        self._outgoing: deque[_Parcel] = deque()

    @property
    def pid(self) -> int | None:
        """The warden's process id, if it runs."""
        return self._process.pid if self._process is not None else None

    def ensure(self) -> None:
        """Start the warden unless it runs."""
        if self._control is not None:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-I", "-m", "symbi_process.warden", str(theirs.fileno()), *self._import_folders]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise Unavailable(f"the warden of the agent processes cannot be started: {error}") from None
        finally:
            theirs.close()
        self._control = ours
        asyncio.get_running_loop().add_reader(ours, self._read)
        if self._preload:
            self._send(encode(Preload(tuple(self._preload))))

    def preload(self, module: str) -> None:
        """Have the warden import a module for the children to come; does nothing for one it knows."""
        if module not in self._preload:
            self._preload.append(module)
            if self._control is not None:
                self._send(encode(Preload((module,))))

    async def spawn(
        self,
        plan: Confinement,
        *,
        command: tuple[str, ...],
        channel: int,
        output: int,
        ended: Callable[[Died | None], None],
    ) -> tuple[int, int]:
        """Start a child and return (its number here, its process id); `ended` is called once, with None if the warden itself died.

        The two descriptors are sent along and remain the caller's to close. Raises `Unavailable`.
        """
        self.ensure()
        self._next += 1
        identity = self._next
        packet = encode(Spawn(identity, plan, command))
        if len(packet) > PACKET:
            raise Unavailable("the environment of the run is too large")
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._starting[identity] = started
        self._ends[identity] = ended
        # Duplicates, since a queued packet may be sent after the caller has closed its own.
        self._send(packet, (os.dup(channel), os.dup(output)))
        return identity, await started

    def signal(self, identity: int, number: int) -> None:
        """Send a signal to the group of a child; does nothing once it is gone."""
        if identity in self._ends:
            self._send(encode(Signal(identity, number)))

    async def close(self) -> None:
        """Let the warden end every child and leave."""
        process = self._process
        self._lost()
        if process is None:
            return
        try:
            await asyncio.to_thread(process.wait, 15)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.wait)

    def _send(self, packet: bytes, descriptors: tuple[int, ...] = ()) -> None:
        self._outgoing.append((packet, descriptors))
        if len(self._outgoing) == 1:
            self._flush()

    def _flush(self) -> None:
        control = self._control
        loop = asyncio.get_running_loop()
        while self._outgoing and control is not None:
            packet, descriptors = self._outgoing[0]
            try:
                socket.send_fds(control, [packet], list(descriptors))
            except BlockingIOError:
                loop.add_writer(control, self._flush)
                return
            except OSError:
                self._lost()
                return
            self._outgoing.popleft()
            _close(descriptors)
        if control is not None:
            loop.remove_writer(control)

    def _read(self) -> None:
        for _ in range(64):
            if self._control is None:
                return
            try:
                packet = self._control.recv(PACKET)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                self._lost()
                return
            self._take(decode_report(packet))

    def _take(self, report: Spawned | Died) -> None:
        if isinstance(report, Died):
            ended = self._ends.pop(report.id, None)
            if ended is not None:
                ended(report)
            return
        future = self._starting.pop(report.id, None)
        if report.error:
            self._ends.pop(report.id, None)
        if future is None or future.done():
            return
        if report.error:
            future.set_exception(Unavailable(report.error))
        else:
            future.set_result(report.pid)

    def _lost(self) -> None:
        """Forget a warden that is gone: what it held is gone with it (the kernel kills its children)."""
        control, self._control, process, self._process = self._control, None, self._process, None
        if control is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(control)
            loop.remove_writer(control)
            control.close()
        if process is not None:
            with contextlib.suppress(OSError):
                process.poll()
        for _, descriptors in self._outgoing:
            _close(descriptors)
        self._outgoing.clear()
        for future in self._starting.values():
            if not future.done():
                future.set_exception(Unavailable("the warden of the agent processes ended"))
        self._starting.clear()
        ends, self._ends = list(self._ends.values()), {}
        for ended in ends:
            ended(None)


def _close(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
