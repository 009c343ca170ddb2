"""What the agent host calls: a job's program as builtins in, a JSON-ready value out."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.definitions import Program
from symbi.contracts.languages import ProgramLimits
from symbi_dsl.interpreter.program import interpret

__all__ = ["run"]


def run(job: Any, effects: Any) -> Any:
    """Run the program of an `ExecutionJob` and return its value; raises `ProgramFailed`.

    `job.facts` may hold `limits` (fields of `ProgramLimits`), `capabilities`, and names that the program can read.
    """
    program = msgspec.convert(job.program, Program)
    facts = dict(job.facts)
    limits = msgspec.convert(facts.pop("limits", {}), ProgramLimits)
    arguments = job.arguments if isinstance(job.arguments, dict) else {"input": job.arguments}
    return interpret(program, arguments=arguments, effects=effects, limits=limits, facts=facts)
