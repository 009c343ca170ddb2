"""The effects `reason` and `llm`: what a program asks of a model, once or in a pattern. Each question stays within the run's budget.

A program's own calls are its tools: whatever it wants done with an answer it asks for itself, through the gate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.effects import EffectCall, EffectContext
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.models import ChatMessage, ModelError
from symbi.contracts.reasoning import Models
from symbi_reasoning.asking import Question, ask

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["llm", "reason"]

MOST_STEPS = 16
Ask = Callable[[str, str], Awaitable[str]]
"""`await ask(system, user)`: the text of one answer."""


class _Tally:
    """What the questions of one effect used together."""

    def __init__(self) -> None:
        self.tokens = 0
        self.cost = 0.0
        self.model = ""

    def add(self, answer: dict[str, Any]) -> None:
        self.tokens += answer["usage"]["total_tokens"]
        self.cost += answer["usage"]["cost_usd"] or 0.0
        self.model = answer["model"]


async def llm(call: EffectCall, run: EffectContext, context: PluginContext) -> Any:
    """Ask once and return the text."""
    return await _asker(call, run, context, _Tally())("", _text(call.arguments.get("prompt")))


async def reason(call: EffectCall, run: EffectContext, context: PluginContext) -> Any:
    """Reason as the program's builtin says: `reason`, `chain`, `debate`, `map_reduce` or `director`."""
    pattern = _PATTERNS.get(call.name or "reason")
    if pattern is None:
        raise InvalidRequest(f"nobody knows how to {call.name!r}", code="invalid_arguments")
    return await pattern(_asker(call, run, context, _Tally()), call.arguments)


def _asker(call: EffectCall, run: EffectContext, context: PluginContext, tally: _Tally) -> Ask:
    async def ask_once(system: str, user: str) -> str:
        messages = [ChatMessage(role="user", content=user)]
        if system:
            messages.insert(0, ChatMessage(role="system", content=system))
        wanted = call.arguments.get("model")
        choices = await context.services.get(Models).choices(wanted if isinstance(wanted, str) else None)
        failed: ModelError | None = None
        for choice in choices:
            try:
                answer = await ask(context, run, call.seq, choice, Question(messages=tuple(messages)))
            except ModelError as error:
                failed = error
                continue
            tally.add(answer)
            text: str = answer["text"]
            return text
        assert failed is not None
        raise failed

    return ask_once


async def _reason(asking: Ask, given: dict[str, Any]) -> Any:
    return await asking(_text(given.get("system")), _text(given.get("user")))


async def _chain(asking: Ask, given: dict[str, Any]) -> Any:
    answer = _text(given.get("input"))
    for step in _steps(given.get("steps")):
        prompt = _text(step.get("prompt") if isinstance(step, dict) else step)
        system = _text(step.get("system")) if isinstance(step, dict) else ""
        answer = await asking(system, f"{prompt}\n\n{answer}".strip())
    return answer


async def _debate(asking: Ask, given: dict[str, Any]) -> Any:
    topic = _text(given.get("topic"))
    rounds = given.get("rounds")
    most = min(rounds, MOST_STEPS) if isinstance(rounds, int) and not isinstance(rounds, bool) and rounds > 0 else 1
    said: list[str] = []
    for _ in range(most):
        for side in ("for", "against"):
            so_far = "\n\n".join(said) or "Nothing has been said yet."
            said.append(f"{side}: {await asking(f'Argue {side} the motion, briefly.', f'Motion: {topic}\n\n{so_far}')}")
    verdict = await asking("Weigh the arguments and say what follows from them.", f"Motion: {topic}\n\n" + "\n\n".join(said))
    return {"arguments": said, "verdict": verdict}


async def _map_reduce(asking: Ask, given: dict[str, Any]) -> Any:
    inputs = _steps(given.get("inputs"))
    task = _text(given.get("map") or given.get("prompt"))
    parts = await asyncio.gather(*(asking(task, _text(each)) for each in inputs))
    whole = "\n\n".join(f"[{number}] {part}" for number, part in enumerate(parts, 1))
    return await asking(_text(given.get("reduce")) or "Join these partial answers into one.", whole)


async def _director(asking: Ask, given: dict[str, Any]) -> Any:
    task = _text(given.get("task"))
    plan = await asking("Plan the task in a few numbered steps.", task)
    draft = await asking("Carry out the plan and give the result alone.", f"Task: {task}\n\nPlan:\n{plan}")
    critique = await asking("Name what is wrong or missing in the result, or say that it is good.", f"Task: {task}\n\nResult:\n{draft}")
    return await asking("Give the final result, with the critique heeded.", f"Task: {task}\n\nResult:\n{draft}\n\nCritique:\n{critique}")


_PATTERNS: dict[str, Callable[[Ask, dict[str, Any]], Awaitable[Any]]] = {
    "reason": _reason,
    "chain": _chain,
    "debate": _debate,
    "map_reduce": _map_reduce,
    "director": _director,
}


def _steps(value: Any) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_STEPS:
        raise InvalidRequest(f"a list of 1 to {MOST_STEPS} items is needed", code="invalid_arguments")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
