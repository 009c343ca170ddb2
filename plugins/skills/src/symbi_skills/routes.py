"""`POST /api/v1/scan`, `GET /api/v1/scan/rules`, `GET /api/v1/skills`."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from litestar import get, post

from symbi.contracts.errors import InvalidRequest, PayloadTooLarge
from symbi.contracts.scanner import SkillScannerService
from symbi.kernel.services import Services
from symbi_skills.outputs.json_output import as_document
from symbi_skills.rules_view import rules_document

__all__ = ["HANDLERS"]


class ScanFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: its relative path, and its content as text or base64."""

    path: str
    content: str | None = None
    content_base64: str | None = None


class ScanRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be scanned: one text, or the files of a skill."""

    content: str | None = None
    name: str = "SKILL.md"
    files: list[ScanFile] | None = None
    ledger: bool = False


def _contents(body: ScanRequest, limit: int) -> dict[str, bytes]:
    if (body.content is None) == (body.files is None):
        raise InvalidRequest("the body has either content or files", details={"field": "content"})
    if body.content is not None:
        return {_safe(body.name): body.content.encode("utf-8", "surrogatepass")}
    contents: dict[str, bytes] = {}
    for file in body.files or []:
        name = _safe(file.path)
        if name in contents:
            raise InvalidRequest(f"the path {name!r} stands twice", details={"field": "files"})
        contents[name] = _content(file)
    if not contents:
        raise InvalidRequest("files is empty; nothing to scan is no pass", details={"field": "files"})
    if sum(map(len, contents.values())) > limit:
        raise PayloadTooLarge(f"the files are larger than {limit} bytes")
    return contents


def _safe(path: str) -> str:
    parts = path.split("/")
    if (
        not path
        or len(path) > 1024
        or "\0" in path
        or path.startswith("/")
        or any(part in ("", ".", "..") for part in parts)
    ):
        raise InvalidRequest(f"the path {path[:100]!r} is not relative and plain", details={"field": "path"})
    return path


def _content(file: ScanFile) -> bytes:
    if (file.content is None) == (file.content_base64 is None):
        raise InvalidRequest(f"{file.path!r} needs either content or content_base64", details={"field": "content"})
    if file.content is not None:
        return file.content.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(file.content_base64 or "", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(
            f"content_base64 of {file.path!r} is no base64", details={"field": "content_base64"}
        ) from None


@post("/scan", status_code=200)
async def scan(data: ScanRequest, services: Services) -> dict[str, Any]:
    """Scan a text or the files of a skill; the answer is the document of `symbi scan --format json`, 200 whether it passed or not."""
    service: Any = services.get(SkillScannerService)
    result = await service.scan_files(
        _contents(data, service.config.max_upload_bytes), root="skill" if data.files else ""
    )
    return as_document(result, ledger=data.ledger)


@get("/scan/rules")
async def rules(services: Services) -> dict[str, Any]:
    """Return every rule in force with its plugin."""
    service: Any = services.get(SkillScannerService)
    await service.scanner()
    return rules_document(service.rules())


@get("/skills")
async def skills(services: Services) -> list[dict[str, Any]]:
    """Return the skills in the configured folders, with the verdict of a fresh scan."""
    import asyncio

    from symbi_skills.skills_view import listed

    service: Any = services.get(SkillScannerService)
    await service.scanner()
    return await asyncio.to_thread(lambda: listed(service.loader()))


HANDLERS = [scan, rules, skills]
