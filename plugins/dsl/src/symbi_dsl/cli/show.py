"""`symbi dsl show`: what a definition says."""

from __future__ import annotations

import sys
from typing import Any

import click

from symbi_dsl.cli.files import Unreadable, read_bytes
from symbi_dsl.cli.report import print_diagnostics
from symbi_dsl.cli.views import definition_view
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.limits import DEFAULT_LIMITS

__all__ = ["show"]

_NOTHING: tuple[Any, ...] = (None, [], (), {}, "", False)
_AGENT_FACTS = (
    "description",
    "capabilities",
    "returns",
    "sandbox",
    "timeout_seconds",
    "memory",
    "max_memory_mb",
    "max_cpu_cores",
    "network_policy",
    "model",
    "tools",
    "executor",
    "not_enforced",
)


@click.command(epilog="Example: symbi dsl show agents/hello.symbi --json")
@click.argument("path", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def show(path: str, as_json: bool) -> None:
    """Show what a definition says: agents, policies, schedules, channels, webhooks, memories, functions, types."""
    try:
        text = read_bytes(path, most=DEFAULT_LIMITS.source)
    except Unreadable as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    parsed = parse_definition(text, path=path)
    if not parsed.ok:
        lines = text.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
        print_diagnostics(path, parsed.errors, lines=lines)
    view = definition_view(parsed)
    if as_json:
        from symbi.cli.output import print_json

        if not parsed.ok:
            view["diagnostics"] = [item.view() for item in parsed.diagnostics]
        print_json(view)
    elif parsed.ok:
        _print(view)
    sys.exit(0 if parsed.ok else 1)


def _print(view: dict[str, Any]) -> None:
    for agent in view["agents"]:
        params = ", ".join(f"{item['name']}: {item['type']}" for item in agent["parameters"])
        _title("agent", f"{agent['name']}({params})" if params else agent["name"])
        for key in _AGENT_FACTS:
            if agent[key] not in _NOTHING:
                _line(key, agent[key])
        _line("program", _entry(agent["program"]))
        for policy in agent["policies"]:
            _policy(policy)
    for policy in view["policies"]:
        _title("policy", policy["name"])
        _policy(policy)
    for word, many in (("schedule", "schedules"), ("channel", "channels"), ("webhook", "webhooks")):
        for item in view[many]:
            _title(word, item["name"])
            _facts(item)
    for item in view["memories"]:
        _title("memory", item["name"])
        _facts(item)
    for item in view["functions"]:
        params = ", ".join(f"{param['name']}: {param['type']}" for param in item["parameters"])
        _title(item["kind"], f"{item['name']}({params})" + (f" -> {item['returns']}" if item["returns"] else ""))
    for item in view["types"]:
        fields = ", ".join(f"{field['name']}: {field['type']}" for field in item["fields"])
        _title("type", f"{item['name']} = {item['target'] or '{ ' + fields + ' }'}")
    if view["metadata"]:
        _title("metadata", "")
        _facts(view["metadata"])


def _title(word: str, name: str) -> None:
    click.echo(f"{click.style(word, bold=True)} {name}".rstrip())


def _line(key: str, value: Any) -> None:
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
    click.echo(f"  {key}: {shown}")


def _facts(item: dict[str, Any]) -> None:
    for key, value in item.items():
        if key not in ("name", "key", "line", "policies") and value not in _NOTHING:
            _line(key, value)
    for policy in item.get("policies", ()):
        if isinstance(policy, dict):
            _policy(policy)


def _entry(program: dict[str, Any] | None) -> str:
    if program is None:
        return "none: the reasoning loop runs with this definition as its brief"
    name = f" {program['entry_name']}" if program["entry_name"] else ""
    return f"{program['entry']}{name}, line {program['line']}"


def _policy(policy: dict[str, Any]) -> None:
    for rule in policy["rules"]:
        guard = f" if {rule['guard']}" if rule["guard"] else ""
        text = " ".join(f"{rule['effect']}: {rule['target']}{guard}".split())
        click.echo(f"  policy {policy['name']}:{rule['line']}  {text}")
