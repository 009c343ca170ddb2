"""The bubblewrap command of one sandbox (bwrap(1)): what is seen of the machine, and what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from symbi.contracts.errors import Unavailable

__all__ = ["find_program", "launcher", "probe", "python_places"]

SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
)
PROBE_SECONDS = 10.0


def find_program(program: str) -> str:
    """Return the path of bubblewrap; raises `Unavailable`."""
    found = shutil.which(program)
    if found is None:
        raise Unavailable(f"bubblewrap ({program}) is not installed", hint="apt-get install bubblewrap")
    return found


def python_places(further: Sequence[str] = ()) -> list[str]:
    """Return the folders that the interpreter, the installed packages and `further` modules are read from."""
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parent.parent)]
    places += [*(entry for entry in sys.path if entry), *further]
    found: list[str] = []
    for place in places:
        path = os.path.realpath(place)
        if os.path.exists(path) and not any(_inside(path, other) for other in (*found, *SYSTEM)):
            found.append(path)
        # A link that leads there, such as a virtual environment's own path, has to exist in the sandbox too.
        if place != path and os.path.exists(place) and not any(_inside(place, other) for other in (*found, *SYSTEM)):
            found.append(place)
    return found


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def launcher(program: str, read_only: Sequence[str]) -> tuple[str, ...]:
    """Return the command that is put before the agent host's; `{folder}` and the network option are filled in for each run."""
    words = [
        program,
        "--unshare-all",
        "{network:--share-net}",
        "--die-with-parent",
        "--cap-drop",
        "ALL",
        "--hostname",
        "sandbox",
    ]
    # The fresh /tmp comes first: Symbi itself may be installed below the machine's /tmp, and is bound over it.
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108  # a fresh one, inside the sandbox
    for place in SYSTEM:
        words += ["--ro-bind-try", place, place]
    for place in read_only:
        words += ["--ro-bind", place, place]
    return (*words, "--bind", "{folder}", "{folder}", "--chdir", "{folder}")


def probe(program: str) -> None:
    """Make a sandbox and leave it; raises `Unavailable` with what bubblewrap says where that does not work here."""
    command = [
        program,
        "--unshare-all",
        "--die-with-parent",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "true",
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
            env={"PATH": os.environ.get("PATH", "")},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"bubblewrap does not run here: {error}") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise Unavailable(
            f"bubblewrap cannot make a sandbox on this machine: {said[-1] if said else f'exit code {done.returncode}'}",
            hint="allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, or an AppArmor profile for bwrap)",
        )
