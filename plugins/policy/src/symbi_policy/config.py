"""The settings of the gate."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["PolicyConfig"]


class PolicyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[policy]`: which engine decides, by which directory, and how strictly."""

    engine: str = "cedar"
    directory: str = "policies"
    """Relative to the folder of `symbi.toml`."""
    insecure_allow_all: bool = False
    """Allows everything; refused in production. `SYMBI_INSECURE_ALLOW_ALL=1` does the same."""
    strict: bool = False
    """A folder that names no surface is an error instead of a warning."""
    audit: Literal["strict", "lenient"] = "strict"
    """`strict`: what cannot be recorded does not happen. `lenient`: it happens, with a warning in the log."""
    audit_allow_sample: float = 1.0
    """The share of allowed actions that is recorded; denials and holds always are."""
    operator_default: Literal["allow", "deny"] = "allow"
    """What a person or a part of the runtime may do where no policy speaks; agents need a permit always."""
    require_approval_tools: tuple[str, ...] = ()
    """Tools (globs) that a person must approve. `SYMBIONT_REQUIRE_APPROVAL_TOOLS` adds to them."""
    public_key: str = ""
    """A public key (PEM file); when set, the directory must be signed by `symbi policy sign`."""
    surfaces: tuple[str, ...] = ()
    """Further names that a policy folder may have."""
    watch: bool = True
    """Reload when a file of the directory changes."""
    debounce_ms: int = 400
    receipt_seconds: float = 60.0
    """How long an admitted action may wait for its dispatch."""
    history: int = 10
    """How many earlier sets are kept for `symbi policy rollback`."""
