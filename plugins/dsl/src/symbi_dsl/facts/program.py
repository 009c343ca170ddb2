"""Where an agent's program begins (spec `decisions.md`, Agents)."""

from __future__ import annotations

from symbi.contracts.definitions import Program
from symbi_dsl.facts.scope import Scope
from symbi_dsl.syntax.items import Agent, Behavior, Function
from symbi_dsl.syntax.node import Node

__all__ = ["find_program"]


def find_program(scope: Scope, agent: Agent, *, shared: list[Node], has_with_body: bool) -> Program | None:
    """Return the program: the `with` bodies, else `main`, else the only behaviour; None without a body.

    `shared` are the items at the top of the text that belong to the agent because it is the only one.
    """

    def program(entry: str, name: str, node: Node) -> Program:
        return Program(
            language="symbi",
            source=scope.source.text,
            agent=agent.name,
            entry=entry,  # type: ignore[arg-type]
            entry_name=name,
            line=scope.line(node),
            path=scope.source.path,
        )

    if has_with_body:
        return program("with", "", agent)
    places = [agent.items, shared]
    for items in places:
        for item in items:
            if isinstance(item, Function) and item.name == "main":
                return program("function", "main", item)
    for items in places:
        behaviors = [item for item in items if isinstance(item, Behavior)]
        if len(behaviors) == 1:
            return program("behavior", behaviors[0].name, behaviors[0])
    return None
