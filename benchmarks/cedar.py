"""One decision of our Cedar engine beside bare cedarpy with a set that is parsed once, in one run.

`python -m benchmarks.cedar [--decisions 2000] [--json]`

Each policy names one agent and one tool and has a `like` and a `<`; the one that matches is the last. `bare` is what a careful user of
cedarpy would write: a parsed set, parsed entities, the same context as a dictionary. Microseconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import cedarpy

from benchmarks.store import report
from symbi.testing.policy import bundle_of, request_for
from symbi_cedar.engine import CedarEngine

SIZES = (1, 10, 100, 1000)


def policies(count: int) -> str:
    """Return policies of which the last one permits the request."""
    return "\n".join(
        f'@id("p{n}") permit (principal == Symbi::Agent::"id-a{n}", action == Symbi::Action::"tool_call::t{n}", resource) '
        f'when {{ context.args.path like "*x{n}*" && context.depth < 5 }};'
        for n in range(count)
    )


def general(count: int) -> str:
    """Return policies whose heads name nothing, so that no slicing helps."""
    return "\n".join(
        f'@id("p{n}") permit (principal, action, resource) when {{ principal.name == "a{n}" && context.args.path like "*x{n}*" }};'
        for n in range(count)
    )


def timed(decide: Callable[[], Any], decisions: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of one call."""
    times = []
    for _ in range(decisions):
        begun = time.perf_counter_ns()
        decide()
        times.append(time.perf_counter_ns() - begun)
    times.sort()
    return times[decisions // 2] / 1e3, times[int(decisions * 0.99)] / 1e3


def bare_of(text: str, number: int) -> Callable[[], Any]:
    """Return one decision by cedarpy alone."""
    handle = cedarpy.PolicySet.from_str(text)
    agent, action = (
        {"type": "Symbi::Agent", "id": f"id-a{number}"},
        {"type": "Symbi::Action", "id": f"tool_call::t{number}"},
    )
    tool = {"type": "Symbi::Tool", "id": f"t{number}"}
    import json

    entities = cedarpy.Entities.from_json_str(
        json.dumps([{"uid": each, "attrs": {"name": f"a{number}"}, "parents": []} for each in (agent, action, tool)])
    )
    context = {
        "args": {"path": f"aax{number}b"}, "depth": 0, "surface": "run", "session": "", "chain": [], "iteration": 0, "source": "model",
        "args_json_size": 17, "trusted": {}, "time": 1, "approvals": [], "has_human_approval": False,
    }  # fmt: skip
    request = {"principal": agent, "action": action, "resource": tool, "context": context}
    return lambda: cedarpy.is_authorized(request, handle, entities)


def ours_of(text: str, number: int) -> Callable[[], Any]:
    """Return one decision by our engine: context built, entities looked up, reasons named."""
    engine = CedarEngine()
    engine.reload(bundle_of(text))
    request = request_for(f"t{number}", agent=f"a{number}", arguments={"path": f"aax{number}b"}, time_ms=1)
    assert engine.decide(request).decision == "allow"
    return lambda: engine.decide(request)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for name, make in (("named", policies), ("general", general)):
        for size in SIZES:
            text = make(size)
            bare, ours = bare_of(text, size - 1), ours_of(text, size - 1)
            assert bare().allowed
            decisions = options.decisions if size < 1000 else max(options.decisions // 10, 50)
            bare_p50, bare_p99 = timed(bare, decisions)
            ours_p50, ours_p99 = timed(ours, decisions)
            found[f"{name}_{size}"] = {
                "bare_p50_us": bare_p50, "ours_p50_us": ours_p50, "bare_p99_us": bare_p99, "ours_p99_us": ours_p99,
                "ratio_p50": ours_p50 / bare_p50,
            }  # fmt: skip
    report(found, as_json=options.json)


if __name__ == "__main__":
    main()
