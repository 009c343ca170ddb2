"""Files inside the run's own folder: no path, link or race leads out of it."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import InvalidRequest, NotFound, PayloadTooLarge, SymbiError
from symbi.contracts.tools import ToolProvider, ToolSpec
from symbi.kernel.context import PluginContext
from symbi_tools.config import FilesConfig

__all__ = ["open_files"]

_PATH = {"type": "string", "minLength": 1, "maxLength": 1024, "description": "relative to the run's folder"}
_DEPTH = 32
SPECS = (
    ToolSpec(
        name="read_file",
        description="Read a UTF-8 text file of the run's folder.",
        parameters={
            "type": "object",
            "properties": {"path": _PATH},
            "required": ["path"],
            "additionalProperties": False,
        },
        risk="low",
        idempotent=True,
        verified=True,
    ),
    ToolSpec(
        name="write_file",
        description="Write a UTF-8 text file of the run's folder, making the folders it needs.",
        parameters={
            "type": "object",
            "properties": {"path": _PATH, "content": {"type": "string"}},
            "required": ["path", "content"],
            "additionalProperties": False,
        },
        risk="medium",
        idempotent=True,
        verified=True,
    ),
    ToolSpec(
        name="list_files",
        description="List the names in a folder of the run's folder.",
        parameters={"type": "object", "properties": {"path": {**_PATH, "default": "."}}, "additionalProperties": False},
        risk="low",
        idempotent=True,
        verified=True,
    ),
)


class _Files(ToolProvider):
    def __init__(self, config: FilesConfig) -> None:
        self._config = config

    async def tools(self) -> Sequence[ToolSpec]:
        return SPECS

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        work = {"read_file": self._read, "write_file": self._write, "list_files": self._list}[name]
        try:
            return await asyncio.to_thread(work, run.working_folder, arguments)
        except FileNotFoundError:
            raise NotFound(f"no file {arguments.get('path', '.')!r} in the run's folder") from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise InvalidRequest(
                    f"{arguments.get('path', '.')!r} leads through a link or a file",
                    hint="use plain paths inside the run's folder",
                ) from None
            raise SymbiError(f"{arguments.get('path', '.')!r}: {error.strerror}", code="FILE_ERROR") from None

    def _read(self, root: str, arguments: dict[str, Any]) -> str:
        parts = _parts(arguments["path"])
        folder = _descend(root, parts[:-1], make=False)
        try:
            descriptor = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidRequest(f"{arguments['path']!r} is no plain file")
            content = file.read(self._config.max_file_bytes + 1)
        if len(content) > self._config.max_file_bytes:
            raise PayloadTooLarge(f"{arguments['path']!r} is larger than {self._config.max_file_bytes} bytes")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidRequest(f"{arguments['path']!r} is not UTF-8 text") from None

    def _write(self, root: str, arguments: dict[str, Any]) -> dict[str, Any]:
        content = arguments["content"].encode("utf-8", "replace")
        if len(content) > self._config.max_file_bytes:
            raise PayloadTooLarge(f"the content is larger than {self._config.max_file_bytes} bytes")
        parts = _parts(arguments["path"])
        folder = _descend(root, parts[:-1], make=True)
        temporary = f".{parts[-1]}.{os.getpid()}.{id(arguments)}.tmp"
        try:
            descriptor = os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder
            )
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            _remove(temporary, folder)
            raise
        finally:
            os.close(folder)
        return {"path": "/".join(parts), "bytes": len(content)}

    def _list(self, root: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        folder = _descend(root, _parts(arguments.get("path", "."), empty=True), make=False)
        try:
            names = sorted(os.listdir(folder))
            if len(names) > self._config.max_entries:
                raise PayloadTooLarge(f"more than {self._config.max_entries} names", hint="list a folder below it")
            return [_entry(name, os.stat(name, dir_fd=folder, follow_symlinks=False)) for name in names]
        finally:
            os.close(folder)


@asynccontextmanager
async def open_files(config: FilesConfig, _context: PluginContext) -> AsyncIterator[ToolProvider]:
    """Open the file tools."""
    yield _Files(config)


def _parts(path: str, *, empty: bool = False) -> list[str]:
    """Return the steps of a relative path; raises `InvalidRequest` for absolute paths, `..`, NUL and too deep ones."""
    if "\0" in path or path.startswith("/") or "\\" in path:
        raise InvalidRequest(f"{path!r} is no relative path", hint="use plain paths inside the run's folder")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or len(parts) > _DEPTH or (not parts and not empty):
        raise InvalidRequest(
            f"{path!r} leads out of the run's folder, or nowhere", hint="use plain paths inside the run's folder"
        )
    return parts


def _descend(root: str, parts: list[str], *, make: bool) -> int:
    """Return a descriptor of the folder below `root`, opened step by step without following a link."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts:
        try:
            if make:
                try:
                    os.mkdir(part, 0o700, dir_fd=folder)
                except FileExistsError:
                    pass
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)
        folder = below
    return folder


def _entry(name: str, facts: os.stat_result) -> dict[str, Any]:
    kind = "folder" if stat.S_ISDIR(facts.st_mode) else "file" if stat.S_ISREG(facts.st_mode) else "other"
    return {"name": name, "kind": kind, "bytes": facts.st_size if kind == "file" else None}


def _remove(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        return
