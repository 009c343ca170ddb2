"""A system call filter for agent hosts: no sockets, no looking into other processes (seccomp(2), classic BPF).

The agent host has its one channel already when the filter goes up, so it never needs to open another.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

__all__ = ["available", "install"]

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
MODE_FILTER = 2
RET_ALLOW = 0x7FFF0000
RET_ERRNO = 0x00050000

# audit architecture, then the numbers of: socket, ptrace, process_vm_readv, process_vm_writev, io_uring_setup, bpf, perf_event_open,
# kexec_load, init_module, finit_module, mount, pidfd_getfd, userfaultfd (linux/audit.h, unistd.h of each architecture)
_TABLES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, 41, (101, 310, 311, 425, 321, 298, 246, 175, 313, 165, 438, 323)),
    "aarch64": (0xC00000B7, 198, (117, 270, 271, 425, 280, 241, 104, 105, 273, 40, 438, 282)),
}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


_libc = ctypes.CDLL(None, use_errno=True)


def available() -> bool:
    """Tell whether the filter is known for this machine's architecture."""
    return platform.machine() in _TABLES


def _bpf(code: int, jump_true: int, jump_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, jump_true, jump_false, value)


def _build(*, network: bool) -> bytes:
    architecture, socket_number, others = _TABLES[platform.machine()]
    denied = others if network else (socket_number, *others)
    refuse = _bpf(0x06, 0, 0, RET_ERRNO | errno.EPERM)
    lines = [
        _bpf(0x20, 0, 0, 4),
        _bpf(0x15, 1, 0, architecture),
        refuse,
        _bpf(0x20, 0, 0, 0),
        # the x32 numbers of x86-64 would be a way round the list
        _bpf(0x35, 0, 1, 0x40000000),
        refuse,
    ]
    for number in denied:
        lines += [_bpf(0x15, 0, 1, number), refuse]
    lines.append(_bpf(0x06, 0, 0, RET_ALLOW))
    return b"".join(lines)


def install(*, network: bool) -> None:
    """Put the filter up for this process and all it will start; raises `OSError`."""
    code = _build(network=network)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    if _libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the seccomp filter was refused")
