"""The timeline of a run in words: one line for each entry of its journal."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["line_of", "print_line"]

_COLOURS = {
    "completed": "green", "failed": "red", "terminated": "yellow", "lost": "red", "waiting": "yellow", "retry": "yellow", "gate": "cyan",
}  # fmt: skip
_QUIET = frozenset({"sample", "heartbeat", "snapshot", "end"})


def print_line(event: dict[str, Any]) -> None:
    """Print one entry, unless it is none that people want to read."""
    if event["kind"] in _QUIET:
        return
    kind = event["kind"]
    denied = kind == "gate" and event["data"].get("decision") == "deny"
    colour = "red" if denied else _COLOURS.get(kind)
    label = click.style(f"{kind:10}", fg=colour, bold=kind in ("completed", "failed", "terminated", "lost"))
    click.echo(f"{event['at'][11:23]:12} {label} {line_of(kind, event['data'])}".rstrip())


def line_of(kind: str, data: dict[str, Any]) -> str:
    """Return what an entry says, in one line."""
    describe = _WORDS.get(kind)
    text = describe(data) if describe is not None else _short(data)
    return " ".join(text.split())


def _short(value: Any, most: int = 160) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _place(data: dict[str, Any]) -> str:
    return f" (line {data['line']})" if data.get("line") else ""


def _gate(data: dict[str, Any]) -> str:
    action = f"{data['action']}::{data['target']}" if data.get("target") else str(data.get("action", ""))
    named = dict.fromkeys(  # an agent's policy may decide and audit at once
        [*data.get("policies", ()), *(rule.get("policy", "") for rule in data.get("rules", ()))]
    )
    because = f" [{', '.join(each for each in named if each)}]" if any(named) else ""
    return f"{data['decision']} {action}: {data.get('reason', '')}{because}{_place(data)}"


def _effect(data: dict[str, Any]) -> str:
    what = f"{data['kind']} {data['name']}".strip()
    if data["status"] == "ok":
        return f"{what} → {_short(data.get('value'))} ({data.get('ms', 0)} ms){_place(data)}"
    return f"{what} {data['status']}: {data.get('message', '')}{_place(data)}"


def _error(data: dict[str, Any]) -> str:
    error = data.get("error") or {}
    return f"{error.get('code', '')}: {_short(error.get('message', ''), 400)}{_place(error)}"


_WORDS = {
    "queued": lambda data: f"agent {data.get('agent', '')}",
    "claimed": lambda data: f"attempt {data.get('attempt', '')}",
    "started": lambda data: f"process {data['pid']}" if data.get("pid") else "in the runtime",
    "step": lambda data: f"line {data.get('line', '')}",
    "log": lambda data: f"{data.get('message', '')}{_place(data)}",
    "gate": _gate,
    "effect": _effect,
    "waiting": lambda data: (
        f"for approval {data['approval_id']}: {data.get('reason', '')}"
        if "approval_id" in data
        else f"for {data.get('for', '')}"
    ),
    "resumed": lambda data: "",
    "retry": lambda data: f"again in {data.get('in_seconds', 0)} s after {_error(data)}",
    "chunk": lambda data: _short(data.get("text", data)),
    "completed": lambda data: _short(data.get("result"), 2000),
    "failed": _error,
    "terminated": _error,
    "lost": _error,
}
