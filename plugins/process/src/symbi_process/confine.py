"""What a child does to itself between fork and the agent's first instruction; the order matters.

Runs in a single-threaded process (the warden's child), so ordinary Python is safe here.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal

import msgspec

from symbi_process import seccomp

__all__ = ["CHANNEL", "Confinement", "confine", "die_with_parent", "own_processes", "reap_orphans"]

CHANNEL = 3
"""The file descriptor of the channel to the runtime, in every child."""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


class Confinement(msgspec.Struct, frozen=True, kw_only=True):
    """How one child is to be confined; sizes in bytes, None = no limit of that kind."""

    folder: str
    environment: dict[str, str]
    memory_bytes: int | None = None
    cpu_seconds: float | None = None
    cpu_cores: float | None = None
    processes: int | None = None
    open_files: int | None = None
    file_bytes: int | None = None
    network: bool = False
    user: int | None = None
    filter: bool = True


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however it ends; leave at once if that has happened."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(70)


def reap_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none escapes (PR_SET_CHILD_SUBREAPER)."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    _, ceiling = resource.getrlimit(kind)
    top = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, top = min(soft, ceiling), min(top, ceiling)
    resource.setrlimit(kind, (soft, top))


def _address_space() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def own_processes() -> int:
    """Count the tasks of this user: RLIMIT_NPROC counts them all, not only those of the run."""
    user, count = os.getuid(), 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == user:
                    count += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue
    return count


def _set_limits(plan: Confinement, others: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if plan.open_files is not None:
        _limit(resource.RLIMIT_NOFILE, plan.open_files)
    if plan.file_bytes is not None:
        _limit(resource.RLIMIT_FSIZE, plan.file_bytes)
    if plan.cpu_seconds is not None:
        seconds = max(1, -int(-plan.cpu_seconds // 1))
        _limit(resource.RLIMIT_CPU, seconds, seconds + 2)
    if plan.processes is not None:
        _limit(resource.RLIMIT_NPROC, plan.processes + (0 if plan.user is not None else others))
    if plan.cpu_cores is not None:
        cores = sorted(os.sched_getaffinity(0))
        wanted = max(1, -int(-plan.cpu_cores // 1))
        start = os.getpid() % len(cores)
        os.sched_setaffinity(0, (cores[start:] + cores[:start])[:wanted])
    if plan.memory_bytes is not None:
        # What the interpreter has mapped already is not the agent's doing.
        _limit(resource.RLIMIT_AS, plan.memory_bytes + _address_space())


def _move_descriptors(channel: int, output: int) -> None:
    channel, output = os.dup(channel), os.dup(output)
    null = os.open(os.devnull, os.O_RDONLY)
    spare = os.dup2(channel, max(channel, output, null) + 1)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(spare, CHANNEL)
    os.closerange(CHANNEL + 1, 1 << 20)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def confine(plan: Confinement, *, channel: int, output: int, parent: int, others: int) -> None:
    """Confine this process as planned; raises `OSError` or `ValueError`, and then the child must not go on.

    `others` is how many processes the user has besides, which its limit of processes counts too.
    """
    os.setsid()
    _reset_signals()
    _move_descriptors(channel, output)
    os.chdir(plan.folder)
    os.umask(0o077)
    os.environ.clear()
    os.environ.update(plan.environment)
    _set_limits(plan, others)
    if plan.user is not None:
        os.setgroups([])
        os.setresgid(plan.user, plan.user, plan.user)
        os.setresuid(plan.user, plan.user, plan.user)
    # after the change of user, which clears the death signal
    die_with_parent(parent)
    reap_orphans()
    if plan.filter:
        seccomp.install(network=plan.network)
