"""The configuration of the agent language."""

from __future__ import annotations

import msgspec

from symbi_dsl.limits import Limits

__all__ = ["DslConfig"]


class DslConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[plugins.dsl]`: the bounds of what is read."""

    max_source_bytes: int = 1_048_576
    """The largest definition that is read, in bytes of UTF-8."""
    max_nesting: int = 100
    """How deep brackets and blocks may be nested (at most 100)."""
    max_errors: int = 20
    """How many errors of one text are reported (at most 200)."""
    max_string_characters: int = 262_144
    """The longest string literal."""
    max_entries: int = 10_000
    """The most entries of one array, record or block."""
    max_items: int = 5_000
    """The most items of one text."""

    def limits(self) -> Limits:
        """Return the bounds, none of them beyond what the parser and the interpreter are built for."""
        return Limits(
            source=max(1, self.max_source_bytes),
            nesting=min(max(1, self.max_nesting), 100),
            errors=min(max(1, self.max_errors), 200),
            string=max(1, self.max_string_characters),
            entries=max(1, self.max_entries),
            items=max(1, self.max_items),
        )
