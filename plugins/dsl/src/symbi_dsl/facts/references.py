"""Names across a text: unique where declared, known where used (spec `dsl.md` §9)."""

from __future__ import annotations

from collections.abc import Iterable

from symbi_dsl.facts.agents import normal
from symbi_dsl.facts.metadata import MetadataFacts
from symbi_dsl.facts.scope import Scope
from symbi_dsl.interpreter.signatures import ARITY
from symbi_dsl.syntax.expressions import Call, Name
from symbi_dsl.syntax.hints import close_match
from symbi_dsl.syntax.items import Agent, AgentProp, Behavior, Declaration, File, Function, Policy, Struct, TypeDef
from symbi_dsl.syntax.node import Node

__all__ = ["Declared", "check_agent", "check_calls", "check_names", "check_unused", "collect"]


class Declared:
    """Everything that a text declares, with the agent it is nested in (or None), in order."""

    def __init__(self) -> None:
        self.agents: list[Agent] = []
        self.functions: list[tuple[Function | Behavior, Agent | None]] = []
        self.types: list[Node] = []
        self.policies: list[tuple[Policy, Agent | None]] = []
        self.blocks: list[tuple[Declaration, Agent | None]] = []

    def add(self, node: Node, agent: Agent | None) -> None:
        """Sort one item into its place."""
        if isinstance(node, Function | Behavior):
            self.functions.append((node, agent))
        elif isinstance(node, TypeDef | Struct):
            self.types.append(node)
        elif isinstance(node, Policy):
            self.policies.append((node, agent))
        elif isinstance(node, Declaration):
            self.blocks.append((node, agent))


def collect(tree: File) -> Declared:
    """Return what a tree declares."""
    found = Declared()
    for item in tree.items:
        if isinstance(item, Agent):
            found.agents.append(item)
            for inner in item.items:
                found.add(inner, item)
        else:
            found.add(item, None)
    return found


def check_names(scope: Scope, declared: Declared, metadata: MetadataFacts) -> None:
    """Report names that are declared twice, and names that contradict each other."""
    _unique(scope, "agent", ((agent.name, None, agent) for agent in declared.agents))
    _unique(scope, "function", ((node.name, agent, node) for node, agent in declared.functions))
    _unique(scope, "type", ((getattr(node, "name", ""), None, node) for node in declared.types))
    _unique(scope, "policy", ((node.name, agent, node) for node, agent in declared.policies))
    name = metadata.text("name")
    if name is not None and len(declared.agents) == 1:
        agent = declared.agents[0]
        titles = (item.value for item in agent.items if isinstance(item, AgentProp) and item.word == "name")
        known = {normal(agent.name), *(normal(str(scope.plain(title))) for title in titles)}
        if normal(name) not in known:
            message = f"the metadata name it '{name[:40]}', the agent is called '{agent.name}'"
            scope.error("E415", message, metadata.entries["name"], "give it one name")


def _unique(scope: Scope, what: str, names: Iterable[tuple[str, Agent | None, Node]]) -> None:
    seen: dict[tuple[str, int], Node] = {}
    for name, agent, node in names:
        key = (name, id(agent) if agent is not None else 0)
        first = seen.get(key)
        if first is None:
            seen[key] = node
            continue
        related = (("first declared here", first.start),)
        end = min(node.end, node.start + len(what) + 1 + len(name))
        scope.problems.add("E401", f"{what} '{name}' is declared twice", node.start, end, related=related)


def check_unused(scope: Scope, declared: Declared, used: set[str], entries: set[str]) -> None:
    """Report functions that nobody calls and parameters that nobody reads."""
    for node, _ in declared.functions:
        inputs = node.params if isinstance(node, Function) else node.inputs
        for param in inputs:
            if param.name not in node.names and not param.name.startswith("_"):
                scope.warn("W307", f"parameter '{param.name}' of '{node.name}' is not used", param)
        if isinstance(node, Function) and node.name not in used and node.name not in entries:
            end = node.start + len("function ") + len(node.name)
            scope.problems.add("W307", f"function '{node.name}' is not used", node.start, min(end, node.end))
    for agent in declared.agents:
        bodied = bool(entries) and any(not isinstance(item, AgentProp | Policy) for item in agent.items)
        for param in agent.params:
            if bodied and param.name not in agent.names and not param.name.startswith("_"):
                scope.warn("W307", f"parameter '{param.name}' of '{agent.name}' is not used", param)


def check_calls(scope: Scope, calls: list[Call], declared: Declared) -> None:
    """Report calls of built-in functions with a number of arguments that they never take."""
    own = {node.name for node, _ in declared.functions}
    for call in calls:
        if not isinstance(call.target, Name) or call.target.name in own:
            continue
        bounds = ARITY.get(call.target.name)
        count = len(call.args)
        if bounds is None or (bounds[0] <= count + len(call.named) and count <= bounds[1]):
            continue
        low, high = bounds
        wanted = f"{low}" if low == high else f"{low} to {high}"
        scope.error("E417", f"'{call.target.name}' takes {wanted} arguments, not {count}", call)


def check_agent(scope: Scope, name: str | None, node: Node, what: str, known: set[str]) -> None:
    """Report a reference to an agent that nobody declares: an error in a project, a warning in a file on its own."""
    if name is None or name in known or (scope.agents is not None and name in scope.agents):
        return
    if scope.problems.warned if scope.lone else scope.problems.full:
        return
    names = known | (scope.agents or frozenset())
    near = close_match(name, sorted(names)) if len(names) <= 200 else None
    hint = f"did you mean `{near}`?" if near else "declare the agent, or name another one"
    message = f"{what}: no agent '{name}' here"
    (scope.warn if scope.lone else scope.error)("E408", message, node, hint)
