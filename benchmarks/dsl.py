"""The agent language beside lark LALR of the same subset, and its interpreter, formatter and policy rules.

`python -m benchmarks.dsl [--rounds 3] [--json]`

The text is what people write: comments, metadata, policies, a body with a loop and a `try`, a function, a schedule; a mebibyte of it, and one
file of about 4 KB. `tree` is lexer and parser, which is what lark does too (lark then has plain trees); `definition` adds all validation and all
facts. Times are the best of the rounds.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks.dsl_lark import parser as lark_parser
from benchmarks.store import report
from symbi.contracts.languages import ProgramLimits, RuleRequest
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.formatter.format import format_text
from symbi_dsl.interpreter.program import interpret
from symbi_dsl.limits import DEFAULT_LIMITS
from symbi_dsl.policy.evaluate import evaluate_rules
from symbi_dsl.syntax.parser import parse_tree
from symbi_dsl.syntax.problems import Problems

__all__ = ["main", "realistic"]

UNIT = """// The report_{n} agent looks after reports.
metadata {{
    version = "1.0.0",
    author = "ops",
    description = "Collects numbers and writes a report",
    tags = ["reports", "daily"],
}}

agent report_{n}(source: String, limit: int) -> Report {{
    capabilities = ["read_files", "network", "summarise"]

    # What it may do, and what it must never do
    policy guard_{n} {{
        allow: read(file) if file.size < 1000000
        allow: ["summarise", "notify"]
            if user.role == "analyst" && session.verified
        deny: "delete*"
        require: {{ rate_limiting: "10/minute", max_data_size: 5MB }}
        audit: all_operations
    }}

    with sandbox = "docker", timeout = 5m, memory = "ephemeral" {{
        let rows = load_rows(source, limit: limit);
        let total = 0;
        // add up what is valid
        for row in rows {{
            if row.valid && row.value > 0 {{
                total += ratio_{n}(row.value, 1);
            }} else {{
                log("warn", "skipped " + row.id);
            }}
        }}
        try {{
            let text = reason("You write reports.", "Total is " + total);
            notify(channel: "ops", message: text.response);
            return {{ total: total, average: total / rows.length, text: text.response }};
        }} catch (PolicyDenied e) {{
            return error(e.message);
        }}
    }}

    function ratio_{n}(a: float, b: float) -> float {{
        if b == 0 {{ return 0.0; }}
        return a / b;
    }}
}}

schedule daily_{n} {{
    cron: "0 0 7 * * 1-5"
    timezone: "Europe/Berlin"
    agent: "report_{n}"
}}
"""
PROGRAM = """agent loop {
    with {
        let total = 0;
        let i = 0;
        while i < 200000 {
            total = total + i;
            i += 1;
        }
        total
    }
}
"""


def realistic(size: int) -> str:
    """Return a text of at most `size` characters."""
    parts: list[str] = []
    length = 0
    while length + len(UNIT.format(n=len(parts))) < size:
        parts.append(UNIT.format(n=len(parts)))
        length += len(parts[-1]) + 1
    return "\n".join(parts)


def best(rounds: int, work: Callable[[], Any], *, times: int = 1) -> float:
    """Return the seconds of one piece of work, the best of the rounds."""
    found = []
    for _ in range(rounds):
        gc.collect()
        started = time.perf_counter()
        for _ in range(times):
            work()
        found.append((time.perf_counter() - started) / times)
    return min(found)


def tree(text: str) -> None:
    """Lex and parse."""
    problems = Problems(20)
    gc.disable()
    parse_tree(text, problems=problems, limits=DEFAULT_LIMITS)
    gc.enable()
    assert not problems.errors


def steps(rounds: int) -> float:
    """Return the simple steps a second of the interpreter: a condition, two assignments."""
    program = parse_definition(PROGRAM).agents[0].program
    assert program is not None
    effects = SimpleNamespace(call=None, log=None, step=lambda line: None)
    limits = ProgramLimits(max_steps=10**9, max_iterations=10**9)
    seconds = best(rounds, lambda: interpret(program, arguments={}, effects=effects, limits=limits))
    return 3 * 200_000 / seconds


def main() -> None:
    """Measure, and print figures and ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    large, small = realistic(1 << 20), realistic(4_400)
    lark = lark_parser()
    lark.parse(small)
    rules = parse_definition(UNIT.format(n=1)).agents[0].rules
    request = RuleRequest(action="read", arguments={"path": "x"}, environment={"file": {"size": 5}}, rates={})
    figures: dict[str, Any] = {
        "large characters": len(large),
        "small characters": len(small),
        "large lark s": round(best(1, lambda: lark.parse(large)), 3),
        "large tree s": round(best(chosen.rounds, lambda: tree(large)), 3),
        "large definition s": round(best(chosen.rounds, lambda: parse_definition(large)), 3),
        "large format s": round(best(1, lambda: format_text(large)), 3),
        "small lark ms": round(best(chosen.rounds, lambda: lark.parse(small), times=20) * 1e3, 3),
        "small tree ms": round(best(chosen.rounds, lambda: tree(small), times=50) * 1e3, 3),
        "small definition ms": round(best(chosen.rounds, lambda: parse_definition(small), times=50) * 1e3, 3),
        "interpreter steps/s": round(steps(chosen.rounds)),
        "decision µs": round(best(chosen.rounds, lambda: evaluate_rules(rules, request), times=500) * 1e6, 1),
    }
    figures["lark / tree, large"] = round(figures["large lark s"] / figures["large tree s"], 1)
    figures["lark / definition, large"] = round(figures["large lark s"] / figures["large definition s"], 1)
    figures["lark / tree, small"] = round(figures["small lark ms"] / figures["small tree ms"], 1)
    report(figures, as_json=chosen.json)


if __name__ == "__main__":
    main()
