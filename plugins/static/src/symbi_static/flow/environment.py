"""Values of environment variables."""

from __future__ import annotations

from dataclasses import replace

from symbi_static.flow.library import BENIGN_ENV
from symbi_static.flow.values import CLEAN, HOLE, Val, constant, tainted

__all__ = ["any_variable", "env_value"]


def env_value(name: str, line: int) -> Val:
    """The value of one environment variable."""
    if name in ("HOME", "USERPROFILE"):
        return replace(constant("~"), tags=frozenset({"home"}))
    if name in BENIGN_ENV:
        return Val(shape=CLEAN)
    return tainted(f"env:{name}", line, f"environment variable {name}")


def any_variable(name: Val, line: int) -> Val:
    """The value of an environment variable whose name is not constant: every one of them, if input chooses it."""
    label = "environ" if name.has("input", "net") else "env:*"
    return Val(taint={label: ((line, "an environment variable chosen at run time"),)}, shape=HOLE)
