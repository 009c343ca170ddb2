"""Answers that must be JSON of a given shape (RSN-27): fences stripped, parsed, checked; errors in words that a model can use."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["fitted", "unfenced"]


def unfenced(text: str) -> str:
    """Return the text without the code fence that models like to put round JSON."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and len(text) >= 6:
        body = text[3:-3]
        first, newline, rest = body.partition("\n")
        return (rest if newline and first.strip().isalnum() else body).strip()
    return text


def fitted(text: str, schema: dict[str, Any]) -> tuple[Any, str]:
    """Return `(value, "")` for an answer that fits, `(None, what is wrong)` for any other."""
    try:
        value = msgspec.json.decode(unfenced(text).encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        return None, f"the answer is no JSON: {error}"
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
        found = next(Draft202012Validator(schema).iter_errors(value), None)
    except (SchemaError, RecursionError) as broken:
        return None, f"the schema itself is not good: {str(broken)[:200]}"
    if found is None:
        return value, ""
    place = ".".join(str(part) for part in found.absolute_path) or "the answer"
    return None, f"{place}: {found.message[:300]}"
