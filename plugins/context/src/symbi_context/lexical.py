"""Search by words: candidates from the full-text index, their relevance by our own arithmetic, 0 to 1 (CTX-12)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, select, text

from symbi.contracts.vectors import Scope
from symbi_context.rows import visible
from symbi_context.tables import ITEMS
from symbi_context.texts import scope_key

__all__ = ["candidates", "relevance"]

_MOST = 1000
_WORD = re.compile(r"[^\W_]+", re.UNICODE)


def candidates(
    conn: Connection, scope: Scope, terms: Sequence[str], conditions: Sequence[ColumnElement[bool]], *, limit: int = 200
) -> list[tuple[Any, float]]:
    """Return `(row, rank)` of what has any of the words, best ranks (highest) first; only what the scope may see."""
    if not terms:
        return []
    if conn.dialect.name == "postgresql":
        return _postgresql(conn, scope, terms, conditions, limit)
    owners = {scope.agent, *(grant.agent for grant in scope.grants)}
    keys = " OR ".join(f'"{scope_key(scope.tenant, agent)}"' for agent in sorted(owners))
    asked = " OR ".join(f'"{term}"*' if len(term) > 2 else f'"{term}"' for term in terms)
    matched = text(
        "SELECT rowid AS seq, -bm25(context_fts, 0.0, 1.0) AS rank FROM context_fts "
        "WHERE context_fts MATCH :asked ORDER BY bm25(context_fts, 0.0, 1.0) LIMIT :most"
    ).columns(ITEMS.c.seq, literal_column("rank"))
    found = matched.bindparams(asked=f"scope_key : ({keys}) AND text : ({asked})", most=_MOST).subquery("matched")
    statement = (
        select(ITEMS, literal_column("matched.rank").label("rank"))
        .select_from(ITEMS.join(found, found.c.seq == ITEMS.c.seq))
        .where(visible(scope), *conditions)
        .order_by(literal_column("matched.rank").desc(), ITEMS.c.seq)
        .limit(limit)
    )
    return [(row, float(row.rank)) for row in conn.execute(statement)]


def _postgresql(
    conn: Connection, scope: Scope, terms: Sequence[str], conditions: Sequence[ColumnElement[bool]], limit: int
) -> list[tuple[Any, float]]:
    asked = func.to_tsquery(literal_column("'simple'"), bindparam("asked", " | ".join(f"{term}:*" for term in terms)))
    vector = func.to_tsvector(literal_column("'simple'"), ITEMS.c.text)
    rank = func.ts_rank_cd(vector, asked).label("rank")
    statement = (
        select(ITEMS, rank)
        .where(vector.op("@@")(asked), visible(scope), *conditions)
        .order_by(rank.desc(), ITEMS.c.seq)
        .limit(limit)
    )
    return [(row, float(row.rank)) for row in conn.execute(statement)]


def relevance(texts: Sequence[str], terms: Sequence[str]) -> list[tuple[float, dict[str, float]]]:
    """Return for each text how well it has the words, 0 to 1, and what each word gave.

    A whole word gives 1, the beginning of one 0.75, any other place in the text 0.5; rarer words among the texts weigh more.
    """
    grids = [{term: _hit(term, found, lowered) for term in terms} for lowered, found in map(_prepared, texts)]
    weights = {term: math.log(1 + (len(texts) + 1) / (1 + sum(1 for grid in grids if grid[term]))) for term in terms}
    total = sum(weights.values()) or 1.0
    return [(sum(weights[term] * grid[term] for term in terms) / total, grid) for grid in grids]


def _prepared(content: str) -> tuple[str, set[str]]:
    lowered = content.casefold()
    return lowered, set(_WORD.findall(lowered))


def _hit(term: str, found: set[str], lowered: str) -> float:
    if term in found:
        return 1.0
    if len(term) < 3:
        return 0.0
    if term in lowered:
        return 0.75 if any(word.startswith(term) for word in found) else 0.5
    return 0.75 if any(term[:length] in found for length in range(4, len(term))) else 0.0
