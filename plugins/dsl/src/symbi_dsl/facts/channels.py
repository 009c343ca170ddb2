"""Channel blocks (spec `dsl.md` §5.8)."""

from __future__ import annotations

from symbi.contracts.definitions import ChannelSpec, RuleSet
from symbi_dsl.facts.policies import policy_spec
from symbi_dsl.facts.reader import Reader
from symbi_dsl.facts.scope import Scope
from symbi_dsl.syntax.hints import close_match
from symbi_dsl.syntax.items import Declaration

__all__ = ["channel_spec"]

_PLATFORMS = ("slack", "teams", "mattermost")
_KNOWN = (
    "platform",
    "workspace",
    "channels",
    "default_agent",
    "dlp_profile",
    "audit_level",
    "default_deny",
    "data_classification",
)
_ACTIONS = ("redact", "block", "allow")


def channel_spec(scope: Scope, node: Declaration, *, agent: str | None, key: str) -> ChannelSpec:
    """Return the facts of one channel; `agent` is the one it is nested in."""
    reader = Reader(scope, "channel", node.props, _KNOWN)
    policies = tuple(policy_spec(scope, policy) for policy in node.policies)
    default_deny = reader.flag("default_deny")
    return ChannelSpec(
        name=node.name,
        key=key.format(name=node.name),
        line=scope.line(node),
        platform=_platform(reader, node),
        workspace=reader.word("workspace"),
        channels=reader.words("channels"),
        default_agent=reader.word("default_agent") or agent,
        dlp_profile=reader.word("dlp_profile"),
        audit_level=reader.word("audit_level"),
        default_deny=default_deny,
        rules=RuleSet(policies=policies, default_deny=default_deny),
        data_classification=_classification(reader),
        options=reader.rest(_KNOWN),
    )


def _platform(reader: Reader, node: Declaration) -> str:
    found = reader.word("platform")
    if found is None:
        reader.scope.error("E409", f"channel '{node.name}': must specify 'platform'", node)
        return ""
    platform = found.lower()
    if platform not in _PLATFORMS:
        near = close_match(platform, _PLATFORMS)
        hint = f"did you mean `{near}`?" if near else f"use {', '.join(_PLATFORMS)}"
        reader.scope.error("E409", f"channel '{node.name}': unknown platform '{found}'", reader.at("platform"), hint)
    return platform


def _classification(reader: Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    for category, action in reader.mapping("data_classification").items():
        if action in _ACTIONS:
            found[category] = str(action)
        else:
            message = f"data_classification: '{category}' must be {', '.join(_ACTIONS)}"
            reader.scope.error("E420", message, reader.at("data_classification"))
    return found
