"""Reads the properties of one block by key: typed, with unknown keys reported (spec `dsl.md` §5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from symbi_dsl.facts.scope import Scope, Value
from symbi_dsl.syntax.expressions import Array, Literal, Record
from symbi_dsl.syntax.hints import close_match, distance
from symbi_dsl.syntax.items import Prop, Props
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.units import Duration, parse_duration_text

__all__ = ["ENFORCED_KEYS", "Reader", "duration_seconds", "guarded_key", "unknown_key"]

ENFORCED_KEYS = (
    "sandbox",
    "timeout",
    "allowed_tools",
    "secret",
    "policy",
    "max_memory_mb",
    "max_cpu_cores",
    "network_policy",
    "default_deny",
)
"""Keys that bound what an agent may do: a misspelt one must never pass for an unknown one."""
_GUARDED = tuple((name, frozenset(name)) for name in ENFORCED_KEYS)


def guarded_key(key: str) -> str | None:
    """Return the enforced key that another one looks like: at an edit distance of at most 2."""
    low = key.lower()
    letters = set(low)
    for name, its in _GUARDED:
        if abs(len(name) - len(low)) <= 2 and len(its - letters) <= 2 and distance(low, name, most=2) <= 2:
            return name
    return None


def unknown_key(scope: Scope, entry: Prop, owner: str, known: Iterable[str]) -> None:
    """Report a key that a block does not know: a warning, or an error where it looks like one that is enforced."""
    key = entry.key
    guard = guarded_key(key)
    if scope.problems.full if guard else scope.problems.warned:
        return
    near = close_match(key, known)
    hint = f"did you mean `{near}`?" if near else None
    if guard is not None:
        hint = f"did you mean `{guard}`?" if guard in known else f"`{guard}` has no effect here"
        scope.problems.add("E302", f"{owner} has no property '{key}'", entry.start, entry.key_end, hint=hint)
    else:
        scope.problems.add("W302", f"{owner} has no property '{key}'", entry.start, entry.key_end, hint=hint)


class Reader:
    """The properties of one block; each method reads one key, reports what is wrong with it and gives the default then."""

    def __init__(
        self, scope: Scope, owner: str, props: Props, known: Sequence[str], *, open_keys: bool = False
    ) -> None:
        self.scope = scope
        self.owner = owner
        self.node: Node = props
        self.entries = scope.entries(props)
        if not open_keys:
            for key, entry in self.entries.items():
                if key not in known:
                    unknown_key(scope, entry, owner, known)

    def has(self, key: str) -> bool:
        """Tell that the key is given."""
        return key in self.entries

    def value(self, key: str) -> Node | None:
        """Return the node of a key's value."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def at(self, key: str) -> Node:
        """Return the node to point at for a key: its entry, or the block where it is missing."""
        return self.entries.get(key) or self.node

    def wrong(self, key: str, expected: str, *, code: str = "E420") -> None:
        """Report that a key's value is not what it must be."""
        node = self.value(key) or self.node
        self.scope.error(code, f"{self.owner}: '{key}' must be {expected}", node)

    def word(self, key: str, default: str | None = None) -> str | None:
        """Return a string or name."""
        node = self.value(key)
        if node is None or (isinstance(node, Literal) and node.value is None):
            return default
        found = self.scope.word(node)
        if found is None:
            self.wrong(key, "a string")
            return default
        return found

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a boolean."""
        node = self.value(key)
        if node is None:
            return default
        if isinstance(node, Literal) and isinstance(node.value, bool):
            return node.value
        self.wrong(key, "`true` or `false`")
        return default

    def number(
        self, key: str, *, low: float, high: float, whole: bool = False, above: bool = False
    ) -> float | int | None:
        """Return a number in `[low, high]`, or in `(low, high]` with `above`."""
        node = self.value(key)
        if node is None:
            return None
        value: Any = node.value if isinstance(node, Literal) else None
        if type(value) not in (int, float) or (whole and type(value) is not int):
            self.wrong(key, "a whole number" if whole else "a number")
            return None
        if not low <= value <= high or (above and value == low):
            bound = f"more than {low:g}" if above else f"from {low:g}"
            self.wrong(key, f"{bound} to {high:g}", code="E413")
            return None
        found: float | int = value
        return found

    def choice(self, key: str, choices: Sequence[str], *, code: str = "E420", default: str | None = None) -> str | None:
        """Return one of a few words, in lower case."""
        found = self.word(key)
        if found is None:
            return default
        if found.lower() in choices:
            return found.lower()
        near = close_match(found, choices)
        hint = f"did you mean `{near}`?" if near else None
        message = f"{self.owner}: '{key}' can not be '{found}'; use {', '.join(choices)}"
        self.scope.error(code, message, self.at(key), hint)
        return default

    def known(self, key: str, choices: Sequence[str]) -> str | None:
        """Return one of a few words; another one is refused where it looks misspelt, and else is not enforced (W310)."""
        node = self.value(key)
        if node is None:
            return None
        found = self.scope.word(node)
        low = (found or self.scope.text(node)).lower()
        if low in choices:
            return low
        if close_match(low, choices):
            return self.choice(key, choices)
        self.scope.warn("W310", f"{self.owner}: '{key}' is none of {', '.join(choices)}: nothing enforces it", node)
        return None

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of strings or names; a single one counts as a list of one."""
        node = self.value(key)
        if node is None:
            return ()
        nodes = node.items if isinstance(node, Array) else [node]
        found: list[str] = []
        for item in nodes:
            text = self.scope.word(item)
            if text is None:
                self.scope.error("E420", f"{self.owner}: '{key}' holds strings", item)
            else:
                found.append(text)
        return tuple(found)

    def seconds(self, key: str, message: str) -> float | None:
        """Return a duration in seconds; a number without a unit is seconds and earns a warning."""
        node = self.value(key)
        return None if node is None else duration_seconds(self.scope, node, message)

    def mapping(self, key: str) -> dict[str, Value]:
        """Return a nested block as a plain mapping."""
        node = self.value(key)
        if node is None:
            return {}
        if isinstance(node, Props):
            self.scope.entries(node)
        if not isinstance(node, Props | Record):
            self.wrong(key, "a block")
            return {}
        found = self.scope.plain(node)
        return found if isinstance(found, dict) else {}

    def rest(self, taken: Iterable[str]) -> dict[str, Value]:
        """Return what is left beside the keys already taken, as plain values."""
        known = set(taken)
        return {key: self.scope.plain(entry.value) for key, entry in self.entries.items() if key not in known}


def duration_seconds(scope: Scope, node: Node, message: str) -> float | None:
    """Return the seconds that a value means, or report `message` as E404."""
    value = node.value if isinstance(node, Literal) else scope.word(node)
    seconds: float | None = None
    if isinstance(value, Duration):
        seconds = value.seconds
    elif isinstance(value, str):
        seconds = parse_duration_text(value)
        if seconds is not None and value.strip().replace(".", "", 1).isdigit():
            scope.warn("W303", f"'{value}' has no unit and is read as seconds", node, f"write `{value}s`")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
        scope.warn("W303", f"{scope.text(node)} has no unit and is read as seconds", node, f"write `{value}s`")
    if seconds is None or seconds <= 0:
        scope.error(
            "E404", f"{message}: {scope.text(node)[:40]}", node, "write a duration such as `30s`, `5m` or `1.5h`"
        )
        return None
    return int(seconds) if seconds == int(seconds) else seconds
