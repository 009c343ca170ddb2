"""The confined child: reads submissions from its input, writes reports to its output, and can do nothing else.

It never imports or runs a submission. Limits: memory, CPU a job, no new file, no child process, no network; an audit hook refuses what
slips through. Frames are a 4-byte length and MessagePack.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import Any

__all__ = ["CPU_SECONDS", "MEMORY_BYTES", "confine", "main"]

CPU_SECONDS = 5
MEMORY_BYTES = 512 << 20
_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.spawn",
    "ctypes.",
    "shutil.",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "os.link",
    "os.symlink",
    "import",
    "pty.",
    "os.startfile",
    "webbrowser.",
    "urllib.",
    "ftplib.",
    "smtplib.",
    "mmap.",
    "os.kill",
    "os.putenv",
    "signal.pthread_kill",
)


def confine() -> None:
    """Take every right away that the analysis does not need; called after all modules are loaded."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
    _leave_network()
    sys.addaudithook(_audit)


def _leave_network() -> None:
    """An empty network namespace where the kernel gives one; the audit hook stands in any case."""
    import ctypes

    try:
        library = ctypes.CDLL(None, use_errno=True)
        library.unshare(0x10000000 | 0x40000000)  # CLONE_NEWUSER | CLONE_NEWNET
        library.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    except (OSError, AttributeError):
        return


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" or event.startswith(_FORBIDDEN):
        if event == "import" and args and args[0] in sys.modules:
            return
        raise PermissionError(f"the analyzer's child may not {event}")


def _more_time() -> None:
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _read(size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            return None
        data += part
    return data


def main() -> None:
    """Serve jobs until the input closes."""
    sys.setrecursionlimit(3000)
    import msgspec

    from symbi.contracts.review import Submission
    from symbi_static.analysis import analyze
    from symbi_static.warm import warm

    decoder, encoder = msgspec.msgpack.Decoder(Submission), msgspec.msgpack.Encoder()
    warm()
    confine()
    os.write(1, struct.pack(">I", 0))
    while (head := _read(4)) is not None:
        body = _read(struct.unpack(">I", head)[0])
        if body is None:
            return
        _more_time()
        report = encoder.encode(analyze(decoder.decode(body)))
        view = memoryview(struct.pack(">I", len(report)) + report)
        while view:
            view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
