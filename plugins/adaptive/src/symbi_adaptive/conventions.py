"""Rules by path: the files of a directory and of those above it, nearest first, never outside the root (RSN-55)."""

from __future__ import annotations

from pathlib import Path

from symbi_adaptive.config import Conventions

__all__ = ["conventions_for", "directory_within"]

MOST_BYTES = 65_536


def directory_within(root: Path, asked: str) -> Path | None:
    """Return the directory that is meant, or None where it is not inside the root; `..` and links that lead out count as outside."""
    root = root.resolve()
    try:
        there = (root / asked.lstrip("/")).resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return there if there.is_relative_to(root) else None


def conventions_for(root: Path, directory: str, language: str, config: Conventions) -> str:
    """Return the rules that apply in a directory: its own first, then its parents', the language's after the general ones of one place."""
    if not config.enabled:
        return ""
    there = directory_within(root, directory)
    if there is None:
        return ""
    root = root.resolve()
    parts: list[str] = []
    seen: set[str] = set()
    for place in [there, *there.parents]:
        if not place.is_relative_to(root):
            break
        for name in _names(config.name, language):
            text = _read(place / name, root)
            if text and text not in seen:
                seen.add(text)
                label = place.relative_to(root).as_posix()
                parts.append(f"## {'the project' if label == '.' else label}\n{text}")
    return "\n\n".join(parts)[: config.max_characters]


def _names(name: str, language: str) -> list[str]:
    if not language.isalnum():
        return [name]
    stem, dot, suffix = name.rpartition(".")
    return [name, f"{stem}.{language}.{suffix}" if dot else f"{name}.{language}"]


def _read(path: Path, root: Path) -> str:
    try:
        if not path.is_file() or not path.resolve().is_relative_to(root):
            return ""
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return ""
