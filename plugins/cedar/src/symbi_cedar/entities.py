"""Builds the entities of a request from what the runtime knows: the actor, the thing acted on, the action and its
group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.policy import PolicyRequest, ResourceFacts
from symbi_cedar.context import Refused
from symbi_cedar.names import is_uuid, qualified

if TYPE_CHECKING:
    import cedarpy

__all__ = ["EntityCache", "Subject", "subject_of"]

Uid = dict[str, str]
_TYPE = re.compile(r"[A-Z][A-Za-z0-9]{0,63}")
_TOOL_DEFAULTS: dict[str, str | int | bool] = {"server": "", "risk": "medium", "verified": False, "idempotent": False}
_TARGET_TYPES = {"tool_call": "Tool", "delegate": "Agent", "secret_read": "Secret", "skill_load": "Skill"}
_PREFIX_TYPES = {"memory_": "Memory", "knowledge_": "Knowledge", "schedule_": "Schedule", "channel_": "Channel",
                 "agent_": "Agent"}  # fmt: skip
TARGETED = frozenset({"tool_call", "delegate"})
"""The kinds whose target is part of the action's name: `tool_call::clock`."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The three names of a request."""

    principal: Uid
    action: Uid
    resource: Uid
    group: str


def _uid(kind: str, name: str) -> Uid:
    return {"type": qualified(kind), "id": name}


def subject_of(request: PolicyRequest) -> Subject:
    """Return who, what and on what; always in the structured form, so that any name is only a name (POL-3)."""
    named = request.action in TARGETED and request.target
    action = f"{request.action}::{request.target}" if named else request.action
    agent = request.agent
    principal = _uid("Agent", agent.id) if agent else _uid("User", request.principal.id)
    facts = request.resource or _facts(request)
    if not _TYPE.fullmatch(facts.type):
        raise Refused(f"{facts.type!r} is no type of resource")
    return Subject(
        principal=principal, action=_uid("Action", action), resource=_uid(facts.type, facts.id), group=request.action
    )


def _facts(request: PolicyRequest) -> ResourceFacts:
    kind = _TARGET_TYPES.get(request.action)
    if kind is None:
        kind = next((each for prefix, each in _PREFIX_TYPES.items() if request.action.startswith(prefix)), "Resource")
    return ResourceFacts(type=kind, id=request.target or "default")


class EntityCache:
    """Parsed entity sets, kept per combination of facts, so that a decision does not parse them again."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._kept: dict[bytes, cedarpy.Entities] = {}

    def get(self, request: PolicyRequest, subject: Subject) -> cedarpy.Entities:
        """Return the entities of the request; raises `Refused` when the facts make no valid set."""
        principal = request.principal
        key = msgspec.json.encode(
            [request.agent, None if request.agent else principal, request.resource, request.target, subject]
        )
        found = self._kept.get(key)
        if found is None:
            found = _parse(request, subject)
            if len(self._kept) >= self._limit:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = found
        return found


def _parse(request: PolicyRequest, subject: Subject) -> cedarpy.Entities:
    import cedarpy

    entities: dict[tuple[str, str], dict[str, Any]] = {}
    _add(entities, subject.action, {}, [_uid("Action", subject.group)] if subject.action["id"] != subject.group else [])
    _add(entities, subject.principal, *_actor(request))
    _add(entities, subject.resource, *_thing(request, subject))
    try:
        return cedarpy.Entities.from_json_str(msgspec.json.encode(list(entities.values())).decode())
    except (ValueError, TypeError) as error:
        raise Refused(f"what is known of it makes no valid entities: {error}") from None


def _add(
    entities: dict[tuple[str, str], dict[str, Any]], uid: Uid, attrs: Mapping[str, Any], parents: list[Uid]
) -> None:
    entity = entities.setdefault((uid["type"], uid["id"]), {"uid": uid, "attrs": {}, "parents": []})
    entity["attrs"] = {**attrs, **entity["attrs"]}
    entity["parents"] += [each for each in parents if each != uid and each not in entity["parents"]]


def _actor(request: PolicyRequest) -> tuple[dict[str, Any], list[Uid]]:
    agent = request.agent
    if agent is None:
        who = request.principal
        attrs = {"name": who.display_name or who.id, "kind": who.kind, "admin": who.admin}
        return attrs, [_uid("Role", role) for role in sorted(who.roles)]
    parents = [_uid("AgentGroup", group) for group in agent.groups]
    if agent.name and not is_uuid(agent.name):
        parents.append(_uid("Agent", agent.name))
    attrs = {
        "name": agent.name,
        "tier": agent.tier,
        "owner": agent.owner,
        "environment": agent.environment,
        "trust": agent.trust,
    }
    return attrs, parents


def _thing(request: PolicyRequest, subject: Subject) -> tuple[dict[str, Any], list[Uid]]:
    facts = request.resource or _facts(request)
    attrs: dict[str, Any] = {"name": facts.id}
    if facts.type == "Tool":
        attrs |= {"tool_name": facts.id, **_TOOL_DEFAULTS}
    for key, value in facts.attributes.items():
        if not isinstance(value, str | int | bool):
            raise Refused(f"the attribute {key!r} of the resource is no text, whole number or boolean")
        attrs[key] = value
    parents = [_uid(f"{facts.type}Group", group) for group in facts.groups]
    name = facts.attributes.get("name")
    if facts.type == "Agent" and isinstance(name, str) and name and not is_uuid(name):
        parents.append(_uid("Agent", name))
    default = _uid("Resource", "default")
    return attrs, parents if subject.resource == default else [*parents, default]
