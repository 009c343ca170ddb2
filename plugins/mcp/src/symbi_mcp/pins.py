"""Pinned definitions: what a tool said of itself when it was approved; anything else is blocked until it is approved anew (RSN-71)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from symbi_mcp.tables import PINS

__all__ = ["Definition", "Pin", "approve", "digest_of", "pins_of", "see"]


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of one of its tools; everything that a model could read is part of it."""

    name: str
    title: str = ""
    description: str = ""
    schema: dict[str, Any] = {}


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """A definition as last seen, and the digest that was approved; times are UTC milliseconds."""

    server: str
    tool: str
    digest: str
    definition: Any
    approved_digest: str
    approved_by: str
    approved_at: int | None
    seen_at: int

    @property
    def good(self) -> bool:
        """Tell that what was last seen is what was approved."""
        return self.digest == self.approved_digest

    @property
    def state(self) -> str:
        """Return `approved`, `changed` or `new`."""
        return "approved" if self.good else "changed" if self.approved_digest else "new"


def digest_of(definition: Definition) -> str:
    """Return the SHA-256 (hex) of a definition, keys sorted."""
    return hashlib.sha256(msgspec.json.encode(definition, order="sorted")).hexdigest()


def pins_of(conn: Connection, server: str | None = None) -> list[Pin]:
    """Return the pins of one server, or of all, by name."""
    wanted = select(PINS).order_by(PINS.c.server, PINS.c.tool)
    if server is not None:
        wanted = wanted.where(PINS.c.server == server)
    return [Pin(**row) for row in conn.execute(wanted).mappings()]


def see(conn: Connection, server: str, found: Sequence[Definition], *, trust_first: bool, now: int) -> list[Pin]:
    """Take note of the tools that a server has now and return their pins.

    The first time that a server is seen its tools are approved with `trust_first`; whatever is new or changed later is not.
    """
    known = {pin.tool: pin for pin in pins_of(conn, server)}
    trusted = trust_first and not known
    for definition in found:
        digest = digest_of(definition)
        values: dict[str, Any] = {"digest": digest, "definition": msgspec.to_builtins(definition), "seen_at": now}
        if definition.name in known:
            mine = (PINS.c.server == server, PINS.c.tool == definition.name)
            conn.execute(update(PINS).where(*mine).values(**values))
            continue
        if trusted:
            values |= {"approved_digest": digest, "approved_by": "first use", "approved_at": now}
        conn.execute(PINS.insert().values(server=server, tool=definition.name, **values))
    names = {definition.name for definition in found}
    return [pin for pin in pins_of(conn, server) if pin.tool in names]


def approve(conn: Connection, server: str, tool: str | None, *, by: str, now: int) -> list[Pin]:
    """Approve what was last seen of one tool, or of all of a server, and return the pins that this changed."""
    changed = [pin for pin in pins_of(conn, server) if tool in (None, pin.tool) and not pin.good]
    for pin in changed:
        mine = (PINS.c.server == server, PINS.c.tool == pin.tool, PINS.c.digest == pin.digest)
        conn.execute(update(PINS).where(*mine).values(approved_digest=pin.digest, approved_by=by, approved_at=now))
    return changed
