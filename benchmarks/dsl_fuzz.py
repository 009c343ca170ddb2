"""Fuzzes the agent language: parser, validation, formatter, policy rules and interpreter, for as long as it is let.

`python -m benchmarks.dsl_fuzz [--seconds 60] [--seed 1]` mutates the examples; `--atheris` lets libFuzzer choose the texts by coverage instead
(`pip install atheris`). A text that breaks a promise is written to `--out` and ends the run with exit code 1. The promises: nothing raises; a
formatted text says the same, keeps its comments and formats to itself; a program ends with a value or `ProgramFailed`; a decision is one of four.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.dsl import UNIT
from symbi.contracts.languages import ProgramFailed, ProgramLimits, RuleRequest
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.formatter.format import format_text
from symbi_dsl.interpreter.program import interpret
from symbi_dsl.policy.evaluate import evaluate_rules

__all__ = ["check", "main"]

ROOT = Path(__file__).resolve().parents[1]
TOKEN = re.compile(r'"[^"\n]*"|\w+|\s+|//[^\n]*|.', re.DOTALL)
PIECES = ["{", "}", "(", ")", "[", "]", ",", ";", ":", "=", "=>", "-", "!", "x", "1", '"', '"a"', "if", "let", "in", "not", "\n", " ", "// c\n", "/* b */", "# h\n", "é", "\0", "5s"]  # fmt: skip
LIMITS = ProgramLimits(max_steps=2_000, max_cells=500_000)


class Answers:
    """Effects that answer something or other."""

    def call(self, kind: str, name: str, arguments: dict[str, Any], **_: Any) -> Any:
        """Answer by the length of the name."""
        return [None, 1, "x", [1], {"a": 1}][len(name) % 5]

    def log(self, message: str, **_: Any) -> None:
        """Take a line."""

    def step(self, line: int) -> None:
        """Take a step."""


def check(text: str) -> None:
    """Hold every promise to one text; raises where one is broken."""
    parsed = parse_definition(text)
    written, problems = format_text(text)
    if problems:
        assert written == text
        assert all(item.code != "E900" for item in problems)
    else:
        assert format_text(written) == (written, ())
        assert parse_definition(written).ok == parsed.ok
    if not parsed.ok:
        return
    for agent in parsed.agents:
        verdict = evaluate_rules(agent.rules, RuleRequest(action="read", arguments={"a": 1}))
        assert verdict.decision in ("allow", "deny", "hold", "defer")
        if agent.program is not None:
            try:
                interpret(agent.program, arguments={}, effects=Answers(), limits=LIMITS)
            except ProgramFailed:
                continue


def seeds() -> list[str]:
    """Return the texts to begin with."""
    page = (ROOT / "docs" / "language.md").read_text()
    blocks = re.findall(r"^```symbi\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    examples = [path.read_text() for path in sorted((ROOT / "examples" / "agents").glob("*.symbi"))]
    return [UNIT.format(n=1), *blocks, *examples]


def mutate(text: str, chance: random.Random) -> str:
    """Return the text with some tokens dropped, doubled, moved or replaced."""
    tokens = TOKEN.findall(text)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        at = chance.randrange(len(tokens))
        what = chance.randrange(5)
        if what == 0:
            del tokens[at]
        elif what == 1:
            tokens.insert(at, chance.choice(PIECES))
        elif what == 2:
            tokens.insert(at, chance.choice(tokens))
        elif what == 3:
            tokens[at] = chance.choice(PIECES)
        else:
            other = chance.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        tokens = tokens or ["x"]
    return "".join(tokens)


def by_chance(seconds: float, seed: int, failed: Callable[[str], None]) -> int:
    """Check mutants until the time is up; return how many."""
    chance = random.Random(seed)
    texts, count, until = seeds(), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        text = mutate(chance.choice(texts), chance)
        count += 1
        try:
            check(text)
        except Exception:
            failed(text)
    return count


def by_coverage(seconds: float, failed: Callable[[str], None]) -> None:
    """Let libFuzzer choose; it ends the process itself."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris")

    def one(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        try:
            check(text)
        except Exception:
            failed(text)

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}", "-max_len=4096"], one)
    atheris.Fuzz()


def main() -> None:
    """Fuzz, and say how it went."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--atheris", action="store_true")
    options.add_argument("--out", type=Path, default=Path("fuzz-failure.symbi"))
    chosen = options.parse_args()

    def failed(text: str) -> None:
        chosen.out.write_text(text, encoding="utf-8", errors="surrogatepass")
        traceback.print_exc()
        sys.exit(1)

    if chosen.atheris:
        by_coverage(chosen.seconds, failed)
    else:
        print(f"{by_chance(chosen.seconds, chosen.seed, failed)} texts, no promise broken")


if __name__ == "__main__":
    main()
