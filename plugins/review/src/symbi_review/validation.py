"""Request bodies: strict JSON, every problem named by its path (toolreview.md §1.12)."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import msgspec

from symbi_review.errors import ApiError, invalid, missing

__all__ = ["NewSession", "read_json", "read_session", "text_field", "text_list"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION = re.compile(r"v?\d{1,9}(?:\.\d{1,9}){0,3}(?:[-+][A-Za-z0-9.+-]{1,40})?")
_MOST_SOURCE = 1 << 20
_PRIORITIES = ("low", "normal", "high", "urgent")
_LANGUAGES = ("python", "javascript", "typescript")


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A valid submission."""

    tool_name: str
    tool_version: str
    source_code: str
    description: str
    author: str
    permissions: tuple[str, ...]
    priority: str
    language: str
    schema_text: str
    supersedes: str | None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise invalid(double, "duplicate_key", "A key stands twice in the body.")
    return found


def _constant(name: str) -> Any:
    raise ValueError(name)


def read_json(body: bytes) -> dict[str, Any]:
    """The body as an object; duplicate keys, NaN and lone surrogates are refused."""
    if not body.strip():
        raise ApiError(
            400, "INVALID_REQUEST", "A JSON body is required.", details={"field": "", "reason": "missing_body"}
        )
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise ApiError(
            400, "INVALID_REQUEST", "The body is not valid JSON.", details={"field": "", "reason": "invalid_json"}
        ) from None
    if not isinstance(value, dict):
        raise ApiError(
            400, "INVALID_REQUEST", "The body must be a JSON object.", details={"field": "", "reason": "wrong_type"}
        )
    return value


def text_field(
    body: Mapping[str, Any], name: str, *, path: str | None = None, most: int, required: bool = False, message: str = ""
) -> str:
    """A text of bounded length without NUL or lone surrogates; absent and null are empty unless required."""
    where = path or name
    value = body.get(name)
    if value is None:
        if required:
            raise missing(where, message or f"{where} is required")
        return ""
    if not isinstance(value, str):
        raise invalid(where, "wrong_type", f"{where} must be a string")
    if required and not value.strip():
        raise missing(where, message or f"{where} is required")
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise invalid(where, "invalid_unicode", f"{where} holds characters that are not allowed")
    if len(value.encode("utf-8")) > most:
        raise invalid(where, "too_long", f"{where} is longer than {most} bytes", limit=most)
    return value


def text_list(
    body: Mapping[str, Any], name: str, *, path: str | None = None, most: int, most_each: int
) -> tuple[str, ...]:
    """A list of texts; absent and null are empty."""
    where = path or name
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise invalid(where, "wrong_type", f"{where} must be a list of strings")
    if len(value) > most:
        raise invalid(where, "too_long", f"{where} holds more than {most} entries", limit=most)
    return tuple(
        text_field({"v": item}, "v", path=f"{where}[{i}]", most=most_each, required=True)
        for i, item in enumerate(value)
    )


def read_session(body: Mapping[str, Any]) -> NewSession:
    """The body of `POST /sessions`; all problems are listed, the first stands at the top."""
    problems: list[ApiError] = []

    def attempt(work: Any) -> Any:
        try:
            return work()
        except ApiError as error:
            problems.append(error)
            return None

    schema = body.get("schema", body.get("tool_schema"))
    schema_text = json.dumps(schema, ensure_ascii=False)[: 1 << 18] if isinstance(schema, dict | list) else ""
    name = attempt(lambda: text_field(body, "tool_name", most=512, required=True, message="Tool name is required"))
    version = attempt(
        lambda: text_field(body, "tool_version", most=64, required=True, message="Tool version is required")
    )
    source = attempt(
        lambda: text_field(
            body, "source_code", most=_MOST_SOURCE, required=not schema_text, message="Tool source code is required"
        )
    )
    metadata = body.get("metadata", {})
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        problems.append(invalid("metadata", "wrong_type", "metadata must be an object"))
        metadata = {}
    description = attempt(lambda: text_field(metadata, "description", path="metadata.description", most=8192))
    author = attempt(lambda: text_field(metadata, "author", path="metadata.author", most=254))
    permissions = attempt(
        lambda: text_list(metadata, "permissions", path="metadata.permissions", most=64, most_each=128)
    )
    language = body.get("language", metadata.get("language", ""))
    problems += _check_words(body, name, version, language)
    if problems:
        raise _all_of(problems)
    return NewSession(
        tool_name=unicodedata.normalize("NFC", name),
        tool_version=version,
        source_code=source,
        description=description,
        author=author,
        permissions=permissions,
        priority=body.get("priority", "normal"),
        language=language or "",
        schema_text=schema_text,
        supersedes=body.get("supersedes"),
    )


def _check_words(body: Mapping[str, Any], name: str | None, version: str | None, language: Any) -> list[ApiError]:
    """Problems of names, versions and words of a fixed set."""
    problems = []
    if name is not None and not _NAME.fullmatch(unicodedata.normalize("NFC", name)):
        text = "tool_name must be letters, digits, dots, dashes and underscores, 128 at most"
        problems.append(invalid("tool_name", "invalid_format", text))
    if version is not None and not _VERSION.fullmatch(version):
        problems.append(invalid("tool_version", "invalid_format", "tool_version must look like 1.2.3"))
    for field, value, known in (
        ("priority", body.get("priority", "normal"), _PRIORITIES),
        ("language", language, _LANGUAGES),
    ):
        if value not in (*known, *(("", None) if field == "language" else ())):
            text = f"{field} is not one of those allowed"
            problems.append(invalid(field, "not_in_enum", text, allowed=list(known)))
    supersedes = body.get("supersedes")
    if supersedes is not None and not isinstance(supersedes, str):
        problems.append(invalid("supersedes", "wrong_type", "supersedes must be a review id"))
    return problems


def _all_of(problems: list[ApiError]) -> ApiError:
    """One error for all problems, the first at the top."""
    first = problems[0]
    rows = [{**error.details, "code": error.error_code, "message": error.message} for error in problems]
    return ApiError(400, first.error_code, first.message, details={**first.details, "errors": rows})
