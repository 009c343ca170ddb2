"""Starts the fenced child for one call of an installed tool."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import msgspec

from symbi.contracts.errors import InvalidRequest, PolicyDenied, Timeout
from symbi_review.installed.store import LoadedTool

__all__ = ["run_tool"]

_MOST_ANSWER = 4 << 20
_MEMORY = 1 << 30


def _limits() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))


async def run_tool(
    tool: LoadedTool, function: str, arguments: dict[str, Any], *, environ: Mapping[str, str], timeout: float
) -> Any:
    """Call a function of an installed tool. Raises `PolicyDenied` beyond its permissions, `Timeout`, or `InvalidRequest` with the tool's own error."""  # noqa: E501  # one list, one place
    names = {word.partition(":")[2] for word in tool.permissions if word.startswith(("env.read:", "secrets.read:"))}
    everything = "env.read" in tool.permissions
    allowed = {name: value for name, value in environ.items() if everything or name in names}
    paths = [path for path in sys.path if path]
    code = f"import sys; sys.path[:] = {paths!r}; from symbi_review.installed.child import main; main()"
    job = msgspec.json.encode(
        {
            "source": tool.source_code,
            "function": function,
            "arguments": arguments,
            "permissions": list(tool.permissions),
        }
    )
    with tempfile.TemporaryDirectory(prefix="symbi-tool-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            code,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": folder, "TMPDIR": folder, **allowed},
            start_new_session=True,
            preexec_fn=_limits,
        )
        try:
            async with asyncio.timeout(timeout):
                out, _ = await process.communicate(job)
        except (TimeoutError, asyncio.CancelledError) as error:
            _kill(process)
            await process.wait()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise Timeout(f"the tool {tool.tool_name} took longer than {timeout:g} seconds") from None
    return _answer(tool, out)


def _kill(process: asyncio.subprocess.Process) -> None:
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        return


def _answer(tool: LoadedTool, out: bytes) -> Any:
    if not out or len(out) > _MOST_ANSWER:
        raise InvalidRequest(f"the tool {tool.tool_name} gave no usable answer")
    answer = msgspec.json.decode(out)
    error = answer.get("error")
    if error is None:
        return answer["result"]
    if str(error).startswith("PermissionError: the tool was not approved"):
        raise PolicyDenied(str(error).removeprefix("PermissionError: "), details={"tool": tool.tool_name})
    raise InvalidRequest(f"the tool {tool.tool_name} failed: {error}")
