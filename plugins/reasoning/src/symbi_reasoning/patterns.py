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
from symbi_reasoning.structured import unfenced

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["llm", "reason"]

MOST_STEPS = 32
MOST_INPUTS = 100
MOST_AT_ONCE = 8
MOST_ROUNDS = 20
MOST_ASSIGNMENTS = 20
MOST_FIELD = 4000
LOOP = "symbi_reasoning.loop.host:reason"
Ask = Callable[[str, str], Awaitable[str]]
"""`await ask(system, user)`: the text of one answer."""


async def llm(call: EffectCall, run: EffectContext, context: PluginContext) -> Any:
    """Ask once and return the text."""
    return await _asker(call, run, context)("", _text(call.arguments.get("prompt")))


async def reason(call: EffectCall, run: EffectContext, context: PluginContext) -> Any:
    """Reason as the program's builtin says: `reason`, `chain`, `debate`, `map_reduce` or `director` (spec `dsl.md` §7.4).

    `reason` is the whole loop, whose calls pass the gate one by one: the answer names what the agent host runs.
    """
    if (call.name or "reason") == "reason":
        return _loop(call, run)
    pattern = _PATTERNS.get(call.name or "reason")
    if pattern is None:
        raise InvalidRequest(f"nobody knows how to {call.name!r}", code="invalid_arguments")
    return await pattern(_asker(call, run, context), call.arguments)


def _loop(call: EffectCall, run: EffectContext) -> dict[str, Any]:
    given = call.arguments
    names = {"max_iterations": "max_iterations", "max_tokens": "max_output_tokens"}
    tools = given.get("tools")
    about = {
        "name": run.agent,
        "system_prompt": _text(given.get("system")),
        "tools": tools if isinstance(tools, list) else [],
        "model": given["model"] if isinstance(given.get("model"), str) else "",
        "options": {own: given[name] for name, own in names.items() if name in given},
    }
    return {"$entry": LOOP, "program": {"about": about, "text": _text(given.get("user"))}}


def _asker(call: EffectCall, run: EffectContext, context: PluginContext) -> Ask:
    async def ask_once(system: str, user: str) -> str:
        messages = [ChatMessage(role="user", content=user)]
        if system:
            messages.insert(0, ChatMessage(role="system", content=system))
        wanted = call.arguments.get("model")
        choices = await context.services.get(Models).choices(wanted if isinstance(wanted, str) else None)
        failed: ModelError | None = None
        for choice in choices:
            try:
                answer = await ask(context, run, call.seq, choice, Question(messages=tuple(messages)), told=True)
            except ModelError as error:
                failed = error
                continue
            text: str = answer["text"]
            return text
        assert failed is not None
        raise failed

    return ask_once


async def _chain(asking: Ask, given: dict[str, Any]) -> Any:
    answer, steps = "", []
    for step in _steps(given.get("steps")):
        prompt = _text(step.get("prompt") if isinstance(step, dict) else step)
        system = _text(step.get("system")) if isinstance(step, dict) else ""
        before = f"\n\nPrevious output:\n{answer}" if answer else ""
        answer = await asking(system, f"{prompt}{before}")
        steps.append(answer)
    return {"output": answer, "steps": steps}


async def _debate(asking: Ask, given: dict[str, Any]) -> Any:
    topic, rounds = _text(given.get("topic")), given.get("rounds", 3)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or not 1 <= rounds <= MOST_ROUNDS:
        raise InvalidRequest(f"debate takes 1 to {MOST_ROUNDS} rounds", code="invalid_arguments")
    writer = _text(given.get("writer_prompt")) or "Write the best answer you can."
    critic = _text(given.get("critic_prompt")) or "Criticise the answer: what is wrong, what is missing?"
    history: list[dict[str, Any]] = []
    answer = await asking(writer, topic)
    for number in range(1, rounds + 1):
        critique = await asking(critic, f"{topic}\n\nAnswer:\n{answer}")
        history.append({"round": number, "writer": answer, "critic": critique})
        answer = await asking(
            writer, f"{topic}\n\nYour answer was:\n{answer}\n\nThe critique:\n{critique}\n\nWrite it anew."
        )
    return {"final_answer": answer, "rounds_completed": rounds, "history": history}


async def _map_reduce(asking: Ask, given: dict[str, Any]) -> Any:
    mapper = _text(given.get("mapper")) or "Answer for this part alone."
    turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def one(item: Any) -> str:
        async with turns:
            return await asking(mapper, _text(item))

    parts = await asyncio.gather(*(one(each) for each in _steps(given.get("inputs"), MOST_INPUTS)))
    whole = "\n\n".join(f"[{number}] {part}" for number, part in enumerate(parts, 1))
    result = await asking(_text(given.get("reducer")) or "Join these partial answers into one.", whole)
    return {"result": result, "mapped_results": list(parts)}


async def _director(asking: Ask, given: dict[str, Any]) -> Any:
    task, workers = _text(given.get("task")), _workers(given.get("workers"))
    named = ", ".join(workers)
    how = (
        f'Assign parts of the task to the workers {named}. Answer with JSON alone: [{{"worker": "…", "subtask": "…"}}]'
    )
    plan = await asking(_text(given.get("orchestrator_prompt")) or "You direct a team.", f"{how}\n\nTask: {task}")
    results = []
    for worker, subtask in _assignments(plan, workers, task):
        result = await asking(workers[worker], subtask)
        results.append({"worker": worker, "subtask": subtask, "result": result})
    whole = "\n\n".join(f"{each['worker']}: {each['result']}" for each in results)
    final = await asking("Make one result of what the workers give.", f"Task: {task}\n\n{whole}")
    return {"result": final, "plan": plan, "worker_results": results}


def _workers(value: Any) -> dict[str, str]:
    given = [each for each in _steps(value) if isinstance(each, dict) and isinstance(each.get("name"), str)]
    if not given:
        raise InvalidRequest("director needs workers of {name, system}", code="invalid_arguments")
    return {str(each["name"]): _text(each.get("system")) for each in given}


def _assignments(plan: str, workers: dict[str, str], task: str) -> list[tuple[str, str]]:
    """Return `(worker, subtask)`; a plan that is none gives the whole task to every worker."""
    try:
        items = msgspec.json.decode(unfenced(plan).encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        items = []
    found = [
        (str(each["worker"]), _text(each["subtask"])[:MOST_FIELD])
        for each in (items if isinstance(items, list) else [])
        if isinstance(each, dict) and each.get("worker") in workers and each.get("subtask")
    ]
    return found[:MOST_ASSIGNMENTS] or [(worker, task) for worker in workers]


_PATTERNS: dict[str, Callable[[Ask, dict[str, Any]], Awaitable[Any]]] = {
    "chain": _chain,
    "debate": _debate,
    "map_reduce": _map_reduce,
    "director": _director,
}


def _steps(value: Any, most: int = MOST_STEPS) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise InvalidRequest(f"a list of 1 to {most} items is needed", code="invalid_arguments")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
