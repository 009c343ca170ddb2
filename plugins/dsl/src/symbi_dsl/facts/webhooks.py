"""Webhook blocks (spec `dsl.md` §5.10)."""

from __future__ import annotations

from symbi.contracts.definitions import WebhookSpec
from symbi_dsl.facts.reader import Reader
from symbi_dsl.facts.scope import Scope
from symbi_dsl.syntax.items import Declaration, Props

__all__ = ["webhook_spec"]

_KNOWN = ("name", "path", "provider", "secret", "agent", "filter", "unsigned")
_PROVIDERS = ("github", "stripe", "slack")


def webhook_spec(scope: Scope, node: Declaration, *, agent: str | None, key: str) -> WebhookSpec:
    """Return the facts of one webhook; `agent` is the one it is nested in."""
    reader = Reader(scope, "webhook", node.props, _KNOWN)
    name = node.name or reader.word("name") or agent or "webhook"
    provider = (reader.word("provider", "custom") or "custom").lower()
    provider = provider if provider in _PROVIDERS else "custom"
    secret = reader.word("secret", "") or ""
    unsigned = reader.flag("unsigned")
    if not secret and not (provider == "custom" and unsigned):
        hint = "give a `secret`, or `unsigned: true` where the provider is custom and nothing can sign"
        scope.error("E410", f"webhook '{name}': without a secret anybody could call it", reader.at("secret"), hint)
    json_path, equals, contains = _filter(reader, name)
    return WebhookSpec(
        name=name,
        key=key.format(name=name),
        line=scope.line(node),
        path=_path(reader, name, node),
        provider=provider,
        secret=secret,
        unsigned=unsigned,
        agent=reader.word("agent") or agent,
        json_path=json_path,
        equals=equals,
        contains=contains,
    )


def _path(reader: Reader, name: str, node: Declaration) -> str:
    path = reader.word("path")
    if path is None:
        reader.scope.error("E410", f"webhook '{name}': must specify 'path'", node)
        return ""
    if not path.startswith("/") or any(part == ".." for part in path.split("/")) or not path.isprintable():
        reader.scope.error("E410", f"webhook '{name}': path must start with '/'", reader.at("path"))
    return path


def _filter(reader: Reader, name: str) -> tuple[str | None, str | None, str | None]:
    node = reader.value("filter")
    if node is None:
        return None, None, None
    if not isinstance(node, Props):
        reader.wrong("filter", "a block")
        return None, None, None
    found = Reader(reader.scope, "filter", node, ("json_path", "equals", "contains"))
    texts = [_text(reader.scope.plain(found.value(key))) for key in ("equals", "contains")]
    json_path = found.word("json_path")
    if json_path is None:
        reader.scope.error("E410", f"webhook '{name}': a filter needs 'json_path'", node)
    if (texts[0] is None) == (texts[1] is None):
        reader.scope.error("E410", f"webhook '{name}': a filter needs one of 'equals' and 'contains'", node)
    return json_path, texts[0], texts[1]


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
