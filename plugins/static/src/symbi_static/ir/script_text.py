"""Small things of the script reader: places, texts, strings, numbers, names of modules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["module_name", "number_of", "place_of", "string_of", "text_of", "unescape"]

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "v": "\v", "\n": ""}


def module_name(name: str) -> str:
    """One dotted name for a module: `node:fs/promises` is `fs.promises`."""
    bare = name.removeprefix("node:")
    return bare if bare.startswith(("@", ".", "/")) else bare.removesuffix(".js").replace("/", ".")


def place_of(node: Node) -> tuple[int, int]:
    return node.start_point[0] + 1, node.end_point[0] + 1


def text_of(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def string_of(node: Node | None) -> str:
    return unescape(text_of(node)[1:-1]) if node is not None else ""


def unescape(text: str) -> str:
    if "\\" not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        body = match.group(1)
        if body[0] == "x" and len(body) == 3:
            return chr(int(body[1:], 16))
        if body[0] == "u" and len(body) > 1:
            point = int(body.strip("u{}"), 16)
            return chr(point) if point <= 0x10FFFF else ""
        return _ESCAPES.get(body, body)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|[\s\S])", plain, text)


def number_of(text: str) -> int | float | None:
    bare = text.replace("_", "").rstrip("n")
    try:
        return int(bare, 0) if re.fullmatch(r"0[xXbBoO]\w+|\d+", bare) and len(bare) < 40 else float(bare)
    except ValueError:
        return None
