"""The toolset of declarative tools: commands without a shell, HTTP requests to fixed hosts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import msgspec

from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import ConfigError, InvalidRequest, SymbiError, Unavailable
from symbi.contracts.tools import ToolProvider, ToolSpec
from symbi.http.outbound import pin
from symbi.kernel.context import PluginContext
from symbi_tools.config import ManifestsConfig
from symbi_tools.manifest import CommandAction, HttpAction, Manifest, fill, read_manifest

__all__ = ["load_manifests", "open_manifests"]

_STDERR_SHOWN = 2000
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class _Manifests(ToolProvider):
    def __init__(self, manifests: dict[str, Manifest], context: PluginContext) -> None:
        self._manifests = manifests
        self._context = context

    async def tools(self) -> Sequence[ToolSpec]:
        return [manifest.spec() for manifest in self._manifests.values()]

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        manifest = self._manifests[name]
        defaults = {each: argument.default for each, argument in manifest.arguments.items()}
        values = {**defaults, **arguments}
        if manifest.command is not None:
            return await _command(manifest.command, values, folder=run.working_folder)
        assert manifest.http is not None  # a manifest has one of the two, checked when it was read
        return await _request(manifest.http, values, environ=self._context.environ, seconds=manifest.timeout_seconds)


def load_manifests(directory: Any) -> dict[str, Manifest]:
    """Read every `*.tool.toml` of a folder; raises `ConfigError` for the first that does not hold, or two of one name."""
    found: dict[str, Manifest] = {}
    for path in sorted(directory.glob("*.tool.toml")) if directory.is_dir() else ():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}", path=str(path)) from None
        manifest = read_manifest(text, file=str(path))
        if manifest.name in found:
            raise ConfigError(f"{path}: a tool {manifest.name!r} is declared already", path=str(path))
        found[manifest.name] = manifest
    return found


@asynccontextmanager
async def open_manifests(config: ManifestsConfig, context: PluginContext) -> AsyncIterator[ToolProvider]:
    """Open the declared tools; a manifest that does not hold stops the start, since a tool that is half there helps nobody."""
    yield _Manifests(await asyncio.to_thread(load_manifests, context.settings.folder / config.directory), context)


async def _command(action: CommandAction, values: dict[str, Any], *, folder: str) -> Any:
    argv = [action.argv[0], *(fill(part, values) for part in action.argv[1:])]
    if any("\0" in part for part in argv):
        raise InvalidRequest("an argument holds a NUL character")
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env={"PATH": _PATH, "LANG": "C.UTF-8", "HOME": folder, **action.environment},
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(
            f"{argv[0]!r} cannot be started: {error.strerror}", hint="install it, or mend the manifest"
        ) from None
    try:
        output, errors = await _communicate(process, fill(action.stdin or "", values).encode(), action.max_output_bytes)
    except* SymbiError as group:
        raise group.exceptions[0] from None
    finally:
        await _end(process)
    if process.returncode != 0:
        shown = errors.decode("utf-8", "replace").strip()[-_STDERR_SHOWN:]
        raise SymbiError(f"{argv[0]} ended with {process.returncode}: {shown}", code="TOOL_FAILED")
    return _decoded(output, action.output)


async def _communicate(process: asyncio.subprocess.Process, given: bytes, limit: int) -> tuple[bytes, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(given)
    process.stdin.close()
    async with asyncio.TaskGroup() as group:
        output = group.create_task(_drain(process.stdout, limit))
        errors = group.create_task(_drain(process.stderr, limit))
    await process.wait()
    return output.result(), errors.result()


async def _drain(stream: asyncio.StreamReader, limit: int) -> bytes:
    """Read a stream to its end; raises `SymbiError` once it has given more than `limit` bytes."""
    found = bytearray()
    while chunk := await stream.read(65_536):
        found += chunk
        if len(found) > limit:
            raise SymbiError(f"the command wrote more than {limit} bytes", code="TOOL_RESULT_TOO_LARGE")
    return bytes(found)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the command's whole process group, if anything of it is left, and reap the command."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.communicate())


async def _request(action: HttpAction, values: dict[str, Any], *, environ: Any, seconds: float) -> Any:
    import httpx

    url = httpx.URL(fill(action.url, values, quote=lambda text: quote(text, safe="")))
    private = (url.host,) if action.private_host else ()
    pinned, options = await pin(url, private_hosts=private, setting="http.private_host of the manifest")
    secrets = {name: _secret(environ, variable) for name, variable in action.secret_headers.items()}
    options["headers"] = {**action.headers, **secrets, **options["headers"]}
    body = _filled(action.json, values) if action.json is not None else None
    try:
        async with httpx.AsyncClient(timeout=seconds, follow_redirects=False, trust_env=False) as client:
            request = client.build_request(action.method, pinned, json=body, **options)
            response = await client.send(request, stream=True)
            content = await _read(response, action.max_output_bytes)
    except httpx.HTTPError as error:
        raise Unavailable(f"{url.host} cannot be reached: {type(error).__name__}") from None
    if not response.is_success:
        raise SymbiError(
            f"{url.host} answered {response.status_code}", code="TOOL_FAILED", details={"status": response.status_code}
        )
    return _decoded(content, action.output)


async def _read(response: Any, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            await response.aclose()
            raise SymbiError(f"the answer has more than {limit} bytes", code="TOOL_RESULT_TOO_LARGE")
    await response.aclose()
    return bytes(body)


def _filled(value: Any, values: dict[str, Any]) -> Any:
    """Fill a JSON template; a text that is nothing but one placeholder keeps the argument's type."""
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    if isinstance(value, str):
        whole = value[1:-1] if value.startswith("{") and value.endswith("}") else ""
        return values[whole] if whole in values else fill(value, values)
    return value


def _secret(environ: Any, variable: str) -> str:
    if variable not in environ:
        raise Unavailable(
            f"the environment variable {variable} is not set", hint=f"export {variable}=… and start again"
        )
    return str(environ[variable])


def _decoded(content: bytes, output: str) -> Any:
    if output == "json":
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError):
            raise SymbiError("the answer is no JSON", code="TOOL_FAILED") from None
    return content.decode("utf-8", "replace")
