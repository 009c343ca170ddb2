"""Runs a scanner on one file in an empty folder: nothing that the submission brings along can steer it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from symbi.contracts.errors import Timeout, Unavailable

__all__ = ["run_scanner"]

_MEMORY = 1 << 30


def _limits() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def run_scanner(
    command: Callable[[str], list[str]], source: str, *, ending: str, deadline: float, good: tuple[int, ...]
) -> bytes:
    """The scanner's standard output. Raises `Timeout`, or `Unavailable` when it fails."""
    with tempfile.TemporaryDirectory(prefix="symbi-opinion-") as folder:
        file = Path(folder) / f"source.{ending}"
        file.write_text(source, encoding="utf-8")
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": folder}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            *command(str(file)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=_limits,
        )
        try:
            async with asyncio.timeout(deadline):
                out, err = await process.communicate()
        except TimeoutError:
            raise Timeout(f"the scanner took longer than {deadline:g} seconds") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode not in good:
            raise Unavailable(f"the scanner ended with {process.returncode}: {err[-300:].decode('utf-8', 'replace')}")
        return out
