"""Long answers in parts: cut where a reader would, code fences closed and opened again."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["split_text"]

_MARK = 16
"""Room for `(12/34)` and a closing fence."""


def split_text(text: str, *, most: int, measure: Callable[[str], int] = len) -> list[str]:
    """Return parts of at most `most` by `measure`, cut at a paragraph, else a line, else a word, else between characters.

    Nothing but white space at a cut is lost. A part that would end inside a code fence is closed, and the next opens with the same language.
    Several parts are numbered `(1/3)`.
    """
    if measure(text) <= most:
        return [text]
    parts: list[str] = []
    rest, opener = text, ""
    while rest:
        lead = f"{opener}\n" if opener else ""
        room = most - _MARK - measure(lead)
        head = rest if measure(rest) <= room else _head(rest, max(room, 1), measure)
        rest = rest[len(head) :].lstrip("\n") if not opener else rest[len(head) :].removeprefix("\n")
        opener_after = _open_fence(lead + head)
        body = lead + head.rstrip()
        parts.append(f"{body}\n```" if opener_after else body)
        opener = opener_after
        if not rest.strip():
            break
        if not opener:
            rest = rest.lstrip()
    parts = [part for part in parts if part.strip()]
    return parts if len(parts) == 1 else [f"{part}\n({number}/{len(parts)})" for number, part in enumerate(parts, 1)]


def _head(text: str, most: int, measure: Callable[[str], int]) -> str:
    """Return the longest good beginning of at most `most`; at least one character."""
    low, high = 1, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle]) <= most:
            low = middle
        else:
            high = middle - 1
    window = text[:low]
    for mark in ("\n\n", "\n", " "):
        at = window.rfind(mark)
        if at >= low // 2 and _clear_of_fence_line(window[:at]):
            return window[:at] or window
    return window


def _clear_of_fence_line(head: str) -> bool:
    """Tell whether the cut leaves no fence alone at the end of a part."""
    return not head.rsplit("\n", 1)[-1].lstrip().startswith("```") or head.count("```") % 2 == 0


def _open_fence(text: str) -> str:
    """Return the opening line of a code fence that the text leaves open, cut at 20 characters, or the empty text."""
    opener = ""
    for line in text.split("\n"):
        stripped = line.lstrip()
        if stripped.startswith("```"):
            opener = "" if opener else stripped[:20]
    return opener
