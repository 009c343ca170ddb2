"""One question to the policies, as hooks, tests and the API ask it, and its answer (POL-30)."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.policy import AgentFacts, Decision, PolicyRequest, ResourceFacts, Source
from symbi.contracts.principal import Principal

__all__ = ["DEFAULT_AGENT", "Question", "answer_of", "read_question", "request_of"]


DEFAULT_AGENT = "claude-code"
"""Who calls a tool where a question does not say, as hooks of that coding tool do not."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`tool_name` and `tool_input` are what a coding tool's hook sends; the rest says more precisely who and what.

    `agent` is a name, or an object with `id, name, tier, owner, environment, trust, groups`. `resource` is an object
    with `type, id, attributes, groups`. Fields that are not known are ignored, since hooks send many.
    """

    tool_name: str | None = None
    tool_input: Any = None
    action: str = "tool_call"
    target: str | None = None
    arguments: Any = None
    agent: str | AgentFacts | None = None
    resource: ResourceFacts | None = None
    surface: str = ""
    session_id: str = ""
    source: Source = "model"
    depth: int = 0
    trusted: dict[str, Any] = {}


def read_question(text: str | bytes) -> Question:
    """Return the question that a JSON text asks; raises `InvalidRequest` where it is none."""
    try:
        return msgspec.json.decode(text, type=Question)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the input is no question: {error}", details={"field": "input"}) from None


def request_of(
    question: Question, principal: Principal, *, agent: str | None = None, surface: str = ""
) -> PolicyRequest:
    """Return the request that a question means; `agent` and `surface` stand in where the question says nothing."""
    who = question.agent or (agent if question.action == "tool_call" else None)
    facts = AgentFacts(id=who, name=who) if isinstance(who, str) else who
    target = question.target if question.target is not None else question.tool_name
    if target is None and question.action == "tool_call":
        target = "unknown"
    arguments = question.arguments if question.arguments is not None else question.tool_input
    return PolicyRequest(
        principal=principal,
        action=question.action,
        target=target or "",
        arguments={} if arguments is None else arguments,
        agent=facts,
        resource=question.resource,
        surface=question.surface or surface or "run",
        session=question.session_id,
        source=question.source,
        depth=question.depth,
        trusted=question.trusted,
    )


def answer_of(request: PolicyRequest, decision: Decision, *, policies_dir: str) -> dict[str, Any]:
    """Return the answer as the command line and the API give it."""
    return {
        "decision": decision.decision,
        "reason": decision.reason,
        "policies": list(decision.policies),
        "errors": list(decision.errors),
        "obligations": [f"{each.kind}:{each.value}" for each in decision.obligations],
        "advice": list(decision.advice),
        "tool": request.target,
        "action": request.label(),
        "surface": request.surface,
        "policies_dir": policies_dir,
        "revision": decision.revision,
    }
