"""A skill as agents load it: SKILL.md with frontmatter (Agent Skills), and the files beside it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from symbi.contracts.errors import InvalidRequest
from symbi_skills.yaml_plain import load_plain_yaml

__all__ = ["Skill", "read_skill"]

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_MAX_FRONT = 64 << 10


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """What SKILL.md says: its frontmatter, and the instructions below it."""

    name: str
    description: str
    instructions: str
    license: str = ""
    compatibility: str = ""
    allowed_tools: tuple[str, ...] = ()
    metadata: dict[str, str] = {}


def read_skill(content: bytes, *, folder: str) -> Skill:
    """Return the skill; raises `InvalidRequest` that says which field is wrong and what was expected."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise _wrong(folder, "SKILL.md is not UTF-8") from None
    match = _FRONT.match(text)
    if not match:
        raise _wrong(folder, "SKILL.md does not begin with frontmatter between two lines of ---")
    if len(match.group(1)) > _MAX_FRONT:
        raise _wrong(folder, "the frontmatter is larger than 64 KiB")
    try:
        table = load_plain_yaml(match.group(1))
    except ValueError as error:
        raise _wrong(folder, f"the frontmatter is no plain YAML: {error}") from None
    if not isinstance(table, dict):
        raise _wrong(folder, "the frontmatter is no table")
    return _checked(table, text[match.end() :], folder)


def _checked(table: dict[Any, Any], body: str, folder: str) -> Skill:
    name = _text(table, "name", folder, required=True, longest=64)
    if not _NAME.fullmatch(name):
        raise _wrong(folder, f"name {name!r} must be lower-case letters, digits and single hyphens")
    if name != folder:
        raise _wrong(folder, f"name {name!r} must be the name of the folder, {folder!r}")
    metadata = table.get("metadata") or {}
    if not isinstance(metadata, dict) or not all(isinstance(key, str) for key in metadata):
        raise _wrong(folder, "metadata must be a table of texts")
    tools = table.get("allowed-tools") or ""
    if not isinstance(tools, str | list):
        raise _wrong(folder, "allowed-tools must be a text or a list")
    return Skill(
        name=name,
        description=_text(table, "description", folder, required=True, longest=1024),
        instructions=body,
        license=_text(table, "license", folder, longest=1024),
        compatibility=_text(table, "compatibility", folder, longest=500),
        allowed_tools=tuple(tools.split() if isinstance(tools, str) else (str(tool) for tool in tools)),
        metadata={key: str(value) for key, value in metadata.items()},
    )


def _text(table: dict[Any, Any], field: str, folder: str, *, longest: int, required: bool = False) -> str:
    value = table.get(field)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or not value.strip():
        raise _wrong(folder, f"{field} must be a text" if value is not None else f"{field} is missing")
    if len(value) > longest:
        raise _wrong(folder, f"{field} is longer than {longest} characters")
    return value.strip()


def _wrong(folder: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"skill {folder!r}: {why}",
        hint="see the Agent Skills format: name and description in YAML frontmatter",
        details={"skill": folder},
    )
