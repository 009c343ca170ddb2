"""Metadata blocks (spec `dsl.md` §5.1)."""

from __future__ import annotations

from symbi_dsl.facts.reader import guarded_key, unknown_key
from symbi_dsl.facts.scope import Scope, Value
from symbi_dsl.syntax.items import Metadata, Prop

__all__ = ["MetadataFacts", "split_tools"]

_KNOWN = (
    "version",
    "author",
    "description",
    "license",
    "tags",
    "name",
    "executor",
    "model",
    "system_prompt",
    "permission_mode",
    "allowed_tools",
)
_TEXTS = frozenset(_KNOWN) - {"tags", "executor"}


class MetadataFacts:
    """What all metadata blocks of a text say together; the last one wins, with a warning."""

    def __init__(self, scope: Scope, blocks: list[Metadata]) -> None:
        self.scope = scope
        self.entries: dict[str, Prop] = {}
        for block in blocks:
            for entry in block.props.entries:
                self._add(entry)
        self.values: dict[str, Value] = {key: scope.plain(entry.value) for key, entry in self.entries.items()}

    def _add(self, entry: Prop) -> None:
        scope, key = self.scope, entry.key
        if key in self.entries:
            message = f"metadata '{key}' is given twice; this one counts"
            scope.problems.add("W312", message, entry.start, entry.key_end)
        self.entries[key] = entry
        if key == "schedule":
            scope.error("E420", "metadata can not schedule anything", entry, "write a `schedule name { … }` block")
        elif key in _TEXTS:
            self._text(entry)
        elif key not in _KNOWN and guarded_key(key) is not None:
            unknown_key(scope, entry, "metadata", _KNOWN)

    def _text(self, entry: Prop) -> None:
        value = self.scope.plain(entry.value)
        if entry.key == "allowed_tools" and isinstance(value, list):
            return
        if value is not None and not isinstance(value, str | int | float):
            self.scope.error("E420", f"metadata: '{entry.key}' must be a string", entry.value)

    def text(self, key: str) -> str | None:
        """Return a value as text, or None where it is missing or is none."""
        value = self.values.get(key)
        if isinstance(value, bool) or value is None:
            return None
        return str(value) if isinstance(value, str | int | float) else None

    def tools(self) -> tuple[str, ...]:
        """Return `allowed_tools`, split at commas outside parentheses."""
        value = self.values.get("allowed_tools")
        if isinstance(value, list):
            return tuple(str(item).strip() for item in value if str(item).strip())
        return split_tools(value) if isinstance(value, str) else ()


def split_tools(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated list, trimmed, without empty ones; commas in parentheses belong to a name."""
    found, depth, word = [], 0, ""
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and depth <= 0:
            found.append(word)
            word = ""
        else:
            word += char
    return tuple(item.strip() for item in (*found, word) if item.strip())
