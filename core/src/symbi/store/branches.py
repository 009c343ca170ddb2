"""The line of revisions of one plugin's tables, read from its folder without importing Alembic or the revisions."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

import msgspec

from symbi.contracts.errors import StoreError
from symbi.contracts.offers import Tables

__all__ = ["BASE", "Branch", "Revision", "read_branch"]

BASE = "base"
"""The revision of a branch that has none: its tables are as their metadata says. A first revision file may name it as its predecessor."""


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One revision: its id, the id before it (None = the first) and the module that holds its `upgrade()`."""

    id: str
    after: str | None
    module: str


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """The revisions of one branch, oldest first."""

    name: str
    revisions: tuple[Revision, ...]

    @property
    def head(self) -> str:
        """The id of the newest revision."""
        return self.revisions[-1].id

    def after(self, revision: str) -> tuple[Revision, ...] | None:
        """Return the revisions that follow the given one, or None when this branch does not know it."""
        for position, known in enumerate(self.revisions):
            if known.id == revision:
                return self.revisions[position + 1 :]
        return None


def read_branch(offer: Tables) -> Branch:
    """Read the revision files in the package `offer.migrations`; an empty name means that there are none yet.

    Raises `StoreError` when the package is missing or its revisions are no single line.
    """
    if not offer.migrations:
        return Branch(name=offer.name, revisions=(Revision(id=BASE, after=None, module=""),))
    found = {revision.id: revision for folder in _folders(offer) for revision in _scan(folder, offer.migrations)}
    return Branch(name=offer.name, revisions=tuple(_in_line(offer, found)))


def _folders(offer: Tables) -> list[str]:
    try:
        spec = importlib.util.find_spec(offer.migrations)
    except ImportError:
        spec = None
    if spec is None or spec.submodule_search_locations is None:
        raise StoreError(
            f"the tables {offer.name!r} name the package {offer.migrations!r} for their revisions, and there is none"
        )
    return list(spec.submodule_search_locations)


def _scan(folder: str, package: str) -> list[Revision]:
    found = []
    for path in sorted(Path(folder).glob("*.py")):
        names = _constants(path) if path.name != "__init__.py" else {}
        if isinstance(names.get("revision"), str):
            found.append(
                Revision(id=names["revision"], after=names.get("down_revision"), module=f"{package}.{path.stem}")
            )
    return found


def _constants(path: Path) -> dict[str, Any]:
    """Return the constants that the module assigns at its top level to the two names we read."""
    names: dict[str, Any] = {}
    for node in ast.parse(path.read_bytes(), str(path)).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        for target in targets:
            if isinstance(target, ast.Name) and target.id in ("revision", "down_revision") and value is not None:
                names[target.id] = ast.literal_eval(value)
    return names


def _in_line(offer: Tables, found: dict[str, Revision]) -> list[Revision]:
    follower: dict[str | None, Revision] = {}
    for revision in found.values():
        if revision.after in follower:
            raise StoreError(
                f"the revisions of the tables {offer.name!r} fork after {revision.after!r}: a branch is one line"
            )
        follower[revision.after] = revision
    line = [Revision(id=BASE, after=None, module="")] if BASE in follower else []
    following = follower.get(BASE if line else None)
    while following is not None:
        line.append(following)
        following = follower.get(following.id)
    if len(line) - (line[:1] != [] and line[0].id == BASE) != len(found) or not line:
        raise StoreError(
            f"the revisions of the tables {offer.name!r} are no line from the first to the last: see {offer.migrations}"
        )
    return line
