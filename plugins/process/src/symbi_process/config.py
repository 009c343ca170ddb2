"""The settings of the executor `process`."""

from __future__ import annotations

import msgspec

__all__ = ["ProcessConfig"]

MIB = 1024 * 1024


class ProcessConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits are those of a run that asks for none of its own; sizes in bytes, times in seconds."""

    warm: bool = True
    """Fork each child from a process that has imported everything already; off: a fresh interpreter for each."""
    memory_bytes: int = 512 * MIB
    """Resident memory of all processes of a run together; the run is stopped above it."""
    soft_memory_share: float = 0.8
    """Above this share of its memory a run gets a warning event."""
    cpu_seconds: float | None = None
    processes: int = 32
    open_files: int = 256
    file_bytes: int = 100 * MIB
    output_bytes: int = 10 * MIB
    """What is kept and counted of a run's output; the rest is read and dropped. A run that sets its own limit is stopped at it."""
    sample_seconds: float = 5.0
    heartbeat_seconds: float = 5.0
    unresponsive_seconds: float | None = 120.0
    """A process that has shown no sign of life for so long is stopped; None never does."""
    frame_bytes: int = 16 * MIB
    """The largest single message between a child and the runtime."""
    effects_in_flight: int = 64
    """How many effects one run may have under way before it is no longer read from."""
    environment: dict[str, str] = {}
    """Added to the child's environment, which otherwise holds only PATH, HOME, LANG, LC_ALL, TZ and TMPDIR."""
    preload: tuple[str, ...] = ()
    """Modules that the warm process imports beforehand, besides those of the languages and those it has seen."""
    import_folders: tuple[str, ...] = ()
    """Folders from which agent hosts may import besides the installed packages (PYTHONPATH is not read)."""
    drop_user: bool | None = None
    """When the runtime is root, run each child under a user id of its own; None does so where such users can reach Python's files."""
    user_base: int = 61_184
    """First of those user ids (systemd's range for dynamic users)."""
    launcher: tuple[str, ...] = ()
    """A command put before the agent host's, for executors built on this one.

    `{folder}` and `{python}` are filled in; `{network:--share-net}` is that option where a run may use the network, else nothing.
    """
    tiers: tuple[str, ...] = ("tier0",)
    """The sandbox tiers this executor answers for; only a launcher that isolates may raise them."""
