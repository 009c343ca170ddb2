"""Programs that the tests of runs carry out; `job.program` is the agent's, `job.arguments` the run's."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from symbi.contracts.effects import EffectDenied, EffectFailed


def noop(job: Any, effects: Any) -> Any:
    return {"arguments": job.arguments}


def call_tool(job: Any, effects: Any) -> Any:
    return effects.call("tool", job.arguments.get("tool", "echo"), {"x": 1}, line=3)


def catches(job: Any, effects: Any) -> Any:
    try:
        return effects.call("tool", "echo", {"x": 1})
    except EffectDenied as error:
        return {"denied": error.message}


def three_tools(job: Any, effects: Any) -> Any:
    return [effects.call("tool", "echo", {"n": n})["n"] for n in range(3)]


def send_then_wait(job: Any, effects: Any) -> Any:
    effects.call("tool", "echo", {"n": 1})
    effects.call("tool", "send", {"n": 2})
    return effects.call("tool", "echo", {"n": 3})


def fails(job: Any, effects: Any) -> Any:
    raise EffectFailed("the far end is away", code="away", retryable=True)


def fails_for_good(job: Any, effects: Any) -> Any:
    raise ValueError("no")


def fails_twice(job: Any, effects: Any) -> Any:
    if job.attempt < 3:
        raise EffectFailed("not yet", code="away", retryable=True)
    return job.attempt


def sleeps(job: Any, effects: Any) -> Any:
    effects.call("sleep", "", {"seconds": job.arguments.get("seconds", 60)})
    return "woke"


def blocks(job: Any, effects: Any) -> Any:
    time.sleep(60)


def deaf(job: Any, effects: Any) -> Any:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def crashes(job: Any, effects: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def clock(job: Any, effects: Any) -> Any:
    first = effects.call("now", "", {})
    effects.call(
        "log", "info", {"message": "password=hunter22 and more", "values": {"api_key": "sk-123456789012345678"}}, line=2
    )
    effects.call("respond", "", {"value": "hello"})
    return {"now": first, "id": effects.call("id", "", {})}


def unknown(job: Any, effects: Any) -> Any:
    return effects.call(job.arguments["kind"], "x", {})


def delegates(job: Any, effects: Any) -> Any:
    return effects.call("delegate", job.arguments["to"], {"message": "hi"})


def parallels(job: Any, effects: Any) -> Any:
    return effects.call("parallel", "", {"tasks": [{"agent": name, "message": name} for name in job.arguments["to"]]})


def races(job: Any, effects: Any) -> Any:
    return effects.call("race", "", {"tasks": [{"agent": name, "message": name} for name in job.arguments["to"]]})


def asks(job: Any, effects: Any) -> Any:
    return effects.call("approval", "deploy", {"message": "may I?"})


def checks(job: Any, effects: Any) -> Any:
    return [effects.call("check", "echo", {}), effects.call("check", "send", {})]


def on_event(job: Any, effects: Any) -> Any:
    event = job.arguments["event"]
    if event["payload"] == "bad":
        raise ValueError("bad event")
    return effects.call("tool", "echo", {"event": event["type"], "payload": event["payload"]})


def waits_for_event(job: Any, effects: Any) -> Any:
    return effects.call("wait_event", "news", {"seconds": job.arguments.get("seconds", 30)})


def flood(job: Any, effects: Any) -> Any:
    for _ in range(1000):
        effects.call("now", "", {})


def spawns(job: Any, effects: Any) -> Any:
    return effects.call("spawn", job.arguments["to"], {"message": "hi"})


def leaks(job: Any, effects: Any) -> Any:
    effects.log("token=sk-abcdefghijklmnopqrstuvwx")
    if job.arguments.get("fail"):
        raise ValueError("password=hunter22hunter22")
    return {"api_key": "sk-abcdefghijklmnopqrstuvwx"}


ENTRIES = [
    name for name, thing in list(globals().items()) if callable(thing) and getattr(thing, "__module__", "") == __name__
]
