"""Which literal texts must stand in a line for an expression to match it at all.

Within a text, `EDGE` stands for one place where a word ends: a boundary, the edge of the line, or any character that is no word character.
"""

from __future__ import annotations

import re

from symbi_skills.regex.nodes import MAX_CODE, WORD, Alt, Assert, Cat, Chars, Node, Rep

__all__ = ["EDGE", "needed_keys", "needed_texts"]

EDGE = "\x1f"
_MAX_CHOICES = 64
_PIECE = re.compile(r"[^\x1f]+")
_FULL_WORD = re.compile(r"(?:(?<=\x1f)|(?<=[^\w\x1f]))[a-z0-9_]+(?=\x1f|[^\w\x1f])", re.ASCII)
Choices = frozenset[str]


def needed_texts(node: Node) -> list[Choices]:
    """Return sets of lower-case texts without `EDGE`; a line that matches holds one text of every set."""
    found = [_plain(choices) for choices in _needs(node)]
    return [choices for choices in found if choices and min(map(len, choices)) >= 2] or [
        choices for choices in found if choices
    ][:1]


def needed_keys(node: Node) -> list[tuple[frozenset[str], frozenset[str]]]:
    """Return pairs of whole lower-case words and other texts; a line that matches holds a member of every pair. The most telling comes first."""
    scored = []
    for choices in _needs(node):
        words, texts = set(), set()
        for text in choices:
            found = _FULL_WORD.findall(text)
            if found:
                words.add(max(found, key=len))
            else:
                texts.add(max(_PIECE.findall(text), key=len))
        shortest = min(map(len, words | texts))
        scored.append(
            ((shortest > 1, -len(texts), min(shortest, 5), -len(words)), (frozenset(words), frozenset(texts)))
        )
    scored.sort(key=lambda entry: entry[0], reverse=True)
    return [keys for score, keys in scored if score[0]] or [keys for _, keys in scored[:1]]


def _plain(choices: Choices) -> Choices:
    pieces = [_PIECE.findall(text) for text in choices]
    return frozenset(max(found, key=len) for found in pieces) if all(pieces) else frozenset()


def _needs(node: Node) -> list[Choices]:
    found: list[Choices] = []
    items: list[Node] = list(node.items) if isinstance(node, Cat) else [node]
    run: Choices = frozenset(("",))
    for index, item in enumerate(items):
        exact = _exact(item)
        if exact is not None and len(run) * len(exact) <= _MAX_CHOICES:
            run = frozenset(text + more for text in run for more in exact)
            continue
        edge = _edge_after(items, index)
        found.append(frozenset(text + edge for text in run))
        run = exact if exact is not None else frozenset((_last_edge(item),))
        if exact is None:
            found.extend(_inner(item))
    found.append(run)
    return [choices for choices in found if _plain(choices)]


def _inner(node: Node) -> list[Choices]:
    """Return what is needed inside an item that is not exact."""
    match node:
        case Alt(items=items):
            parts = [max(_needs(item), key=_score, default=None) for item in items]
            union = frozenset(text for part in parts if part for text in part)
            return [union] if None not in parts and len(union) <= 2 * _MAX_CHOICES else []
        case Rep(item=item, low=low) if low >= 1:
            return _needs(item)
        case Cat():
            return _needs(node)
        case _:
            return []


def _score(choices: Choices) -> tuple[int, int]:
    plain = _plain(choices)
    return (min(5, min(map(len, plain))), -len(plain)) if plain else (0, 0)


def _is_edge_class(node: Node) -> bool:
    """Tell whether `node` is a character that is never a word character."""
    return isinstance(node, Chars) and all(
        high < low_w or low > high_w for low, high in node.ranges for low_w, high_w in WORD
    )


def _first_edge(node: Node) -> str:
    """Return `EDGE` if whatever `node` matches begins with no word character, and it cannot match nothing."""
    match node:
        case Rep(item=item, low=low) if low >= 1:
            return _first_edge(item)
        case Chars():
            return EDGE if _is_edge_class(node) else ""
        case Assert(kind=kind):
            return EDGE if kind != "B" else ""
        case Alt(items=items):
            return EDGE if all(_first_edge(item) for item in items) else ""
        case Cat(items=items) if items:
            return _first_edge(items[0])
        case _:
            return ""


def _edge_after(items: list[Node], index: int) -> str:
    """Return `EDGE` if a word that ends before `items[index]` surely ends there, whatever is left out."""
    for item in items[index:]:
        optional = isinstance(item, Rep) and item.low == 0
        if not _first_edge(item.item if isinstance(item, Rep) else item):
            return ""
        if not optional:
            return EDGE
    return ""


def _last_edge(node: Node) -> str:
    match node:
        case Rep(item=item, low=low) if low >= 1:
            return _last_edge(item)
        case Cat(items=items) if items:
            return _last_edge(items[-1])
        case Alt(items=items):
            return EDGE if all(_last_edge(item) for item in items) else ""
        case _:
            return _first_edge(node)


def _letter(node: Node) -> str | None:
    """Return the one ASCII character that `node` stands for, whatever its case."""
    if not isinstance(node, Chars) or not 1 <= len(node.ranges) <= 2:
        return None
    letters = {chr(code).lower() for low, high in node.ranges for code in (low, high)}
    single = all(low == high < 128 for low, high in node.ranges)
    return letters.pop() if single and len(letters) == 1 else None


def _exact(node: Node) -> Choices | None:
    """Return every text that `node` matches when they are few, else None."""
    letter = _letter(node)
    if letter is not None:
        return frozenset((letter,))
    match node:
        case Chars(ranges=ranges):
            if (
                _is_edge_class(node)
                and ranges
                and (sum(high - low + 1 for low, high in ranges) > 3 or ranges[0][0] <= 32)
            ):
                return frozenset((EDGE,))
            codes = [code for low, high in ranges for code in range(low, min(high, low + 8, MAX_CODE) + 1)]
            small = len(codes) <= 4 and all(code < 128 for code in codes)
            return frozenset(chr(code).lower() for code in codes) if small else None
        case Assert(kind=kind):
            return frozenset((EDGE if kind != "B" else "",))
        case Alt(items=items):
            parts = [_exact(item) for item in items]
            found = frozenset(text for part in parts if part is not None for text in part)
            return found if None not in parts and len(found) <= _MAX_CHOICES else None
        case Cat(items=items):
            return _exact_sequence(items)
        case Rep(item=item, low=low) if _is_edge_class(item):
            return frozenset((EDGE,) if low else (EDGE, ""))
        case Rep(item=item, low=low, high=high) if high is not None and low == high and high <= 4:
            return _exact_sequence((item,) * high)
        case Rep(item=item, low=0, high=1):
            part = _exact(item)
            return None if part is None else part | {""}
        case _:
            return None


def _exact_sequence(items: tuple[Node, ...]) -> Choices | None:
    texts = frozenset(("",))
    for item in items:
        part = _exact(item)
        if part is None or len(texts) * len(part) > _MAX_CHOICES:
            return None
        texts = frozenset(text + more for text in texts for more in part)
    return texts
