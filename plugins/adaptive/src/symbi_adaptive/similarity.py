"""How alike two texts are: 1 − edit distance over the longer length, on bounded ends of both (RSN-52, RSN-53)."""

from __future__ import annotations

__all__ = ["alike", "similarity"]

ENDS = 2000


def similarity(one: str, other: str) -> float:
    """Return 1 − Levenshtein distance / longer length; two empty texts are the same, an empty and another have nothing in common."""
    one, other = _ends(one), _ends(other)
    if one == other:
        return 1.0
    if not one or not other:
        return 0.0
    longest = max(len(one), len(other))
    return 1.0 - _distance(one, other, longest) / longest


def alike(one: str, other: str, threshold: float) -> bool:
    """Tell whether the similarity reaches the threshold; gives up early where the distance is too large to."""
    one, other = _ends(one), _ends(other)
    if one == other:
        return True
    if not one or not other:
        return threshold <= 0
    longest = max(len(one), len(other))
    most = int((1 - threshold) * longest + 1e-9)
    return abs(len(one) - len(other)) <= most and _distance(one, other, most) <= most


def _ends(text: str) -> str:
    return text if len(text) <= 2 * ENDS else text[:ENDS] + text[-ENDS:]


def _distance(one: str, other: str, most: int) -> int:
    """Return the edit distance, or anything above `most` where it is larger; bit-parallel (Myers 1999, Hyyrö 2003)."""
    while one and other and one[0] == other[0]:
        start = _common(one, other)
        one, other = one[start:], other[start:]
    if not one or not other:
        return len(one) + len(other)
    positions: dict[str, int] = {}
    for number, character in enumerate(one):
        positions[character] = positions.get(character, 0) | 1 << number
    size = len(one)
    mask, last = (1 << size) - 1, 1 << (size - 1)
    plus, minus, score = mask, 0, size
    for number, character in enumerate(other):
        match = positions.get(character, 0)
        zero = (((match & plus) + plus) ^ plus) | match | minus
        up, down = minus | ~(zero | plus) & mask, plus & zero
        score += bool(up & last) - bool(down & last)
        if score - (len(other) - number - 1) > most:
            return most + 1
        up = (up << 1 | 1) & mask
        plus, minus = (down << 1 | ~(zero | up)) & mask, up & zero
    return score


def _common(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
