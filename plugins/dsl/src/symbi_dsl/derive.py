"""Writes a definition for an agent that a client describes by fields (`decisions.md`, Where the files are silent)."""

from __future__ import annotations

import re

from symbi_dsl.syntax.strings import quote

__all__ = ["derive_definition", "identifier"]

_INVISIBLE = re.compile("[\x00\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")


def identifier(name: str) -> str:
    """Return a name that the language takes: letters, digits and underscores."""
    word = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "agent"
    if word[0].isdigit():
        word = f"agent_{word}"
    return f"{word}_" if word in ("true", "false", "null") else word


def derive_definition(
    name: str, *, system_prompt: str, model: str = "", tools: tuple[str, ...] = (), description: str = ""
) -> str:
    """Return the text of a definition that says exactly these facts; invisible characters are dropped from them."""
    lines = ["metadata {", '    version = "1.0.0",', f"    description = {_text(description or name)},", "}", ""]
    lines.append(f"agent {identifier(name)} {{")
    if system_prompt:
        lines.append(f"    system_prompt: {_text(system_prompt)}")
    if model:
        lines.append(f"    model: {_text(model)}")
    if tools:
        lines.append(f"    tools: [{', '.join(_text(tool) for tool in tools)}]")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return quote(_INVISIBLE.sub("", value))
