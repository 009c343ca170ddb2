"""Memory blocks (spec `dsl.md` §5.9)."""

from __future__ import annotations

from symbi.contracts.definitions import MemorySpec
from symbi_dsl.facts.reader import Reader
from symbi_dsl.facts.scope import Scope
from symbi_dsl.syntax.items import Declaration, Props

__all__ = ["memory_spec"]

_KNOWN = ("name", "store", "path", "retention", "search")
_DEFAULT_PATH = "data/agents"


def memory_spec(scope: Scope, node: Declaration, *, agent: str | None, key: str) -> MemorySpec:
    """Return the facts of one memory; `agent` is the one it is nested in."""
    reader = Reader(scope, "memory", node.props, _KNOWN)
    name = node.name or reader.word("name") or agent or "memory"
    store = reader.word("store", "markdown") or "markdown"
    if store.lower() != "markdown":
        scope.error("E411", f"memory '{name}': unknown store type '{store}'", reader.at("store"), "use `markdown`")
    seconds = reader.seconds("retention", f"memory '{name}': invalid retention")
    weights = _weights(reader, name)
    retention = scope.plain(reader.value("retention"))
    return MemorySpec(
        name=name,
        key=key.format(name=name),
        line=scope.line(node),
        agent=agent,
        store=store.lower(),
        path=_path(reader, name),
        retention=str(retention) if retention is not None else "90d",
        retention_seconds=float(seconds) if seconds is not None else 7_776_000.0,
        vector_weight=weights[0],
        keyword_weight=weights[1],
    )


def _path(reader: Reader, name: str) -> str:
    path = reader.word("path", _DEFAULT_PATH) or _DEFAULT_PATH
    parts = path.replace("\\", "/").split("/")
    absolute = path.startswith(("/", "\\", "~")) or (len(path) > 1 and path[1] == ":")
    if absolute or ".." in parts or "\x00" in path:
        hint = "the path is relative to the data directory and stays below it"
        reader.scope.error("E411", f"memory '{name}': path '{path[:60]}' leaves its directory", reader.at("path"), hint)
        return _DEFAULT_PATH
    return path


def _weights(reader: Reader, name: str) -> tuple[float | None, float | None]:
    node = reader.value("search")
    if node is None:
        return None, None
    if not isinstance(node, Props):
        reader.wrong("search", "a block", code="E411")
        return None, None
    search = Reader(reader.scope, "search", node, ("vector_weight", "keyword_weight"))
    values = []
    for key, default in (("vector_weight", 0.7), ("keyword_weight", 0.3)):
        found = reader.scope.plain(search.value(key)) if search.has(key) else default
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
            reader.scope.error("E411", f"memory '{name}': '{key}' must be from 0 to 1", search.at(key))
            found = default
        values.append(float(found))
    if values == [0.0, 0.0]:
        reader.scope.error("E411", f"memory '{name}': the weights can not both be 0", node)
    return values[0], values[1]
