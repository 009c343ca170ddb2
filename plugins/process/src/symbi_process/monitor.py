"""Watches all executions of an executor: one measurement each per interval, and what follows from it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from symbi.contracts.executors import Sample
from symbi_process.execution import ProcessExecution

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock
    from symbi_process.config import ProcessConfig

__all__ = ["watch", "watch_one"]


async def watch(executions: Collection[ProcessExecution], *, config: ProcessConfig, clock: Clock) -> None:
    """Measure every execution each `sample_seconds`, until cancelled."""
    while True:
        await clock.sleep(config.sample_seconds)
        for execution in list(executions):
            watch_one(execution, config=config, now=clock.monotonic())


def watch_one(execution: ProcessExecution, *, config: ProcessConfig, now: float) -> None:
    """Measure one execution, report it, and stop it where it has broken a limit."""
    sample = execution.sample()
    if sample is None:
        return
    execution.report_sample(msgspec.to_builtins(sample))
    _judge_memory(execution, sample, config)
    _judge_cpu(execution, sample, config)
    allowed = execution.job.limits.processes or config.processes
    if (sample.processes or 0) > allowed:
        execution.fail("limit_processes", f"the run has {sample.processes} processes, {allowed} are allowed")
    silent = now - execution.last_sign
    if config.unresponsive_seconds is not None and silent > config.unresponsive_seconds:
        execution.fail("unresponsive", f"the agent host has shown no sign of life for {silent:.0f} s")


def _judge_memory(execution: ProcessExecution, sample: Sample, config: ProcessConfig) -> None:
    limit = execution.job.limits.memory_bytes or config.memory_bytes
    used = sample.memory_bytes or 0
    if used > limit:
        execution.fail("limit_memory", f"the run's processes hold {used} bytes, {limit} are allowed")
    elif used > limit * config.soft_memory_share and not execution.warned:
        execution.warned = True
        execution.report_log(f"the run's processes hold {used} of {limit} bytes of memory")


def _judge_cpu(execution: ProcessExecution, sample: Sample, config: ProcessConfig) -> None:
    limit = execution.job.limits.cpu_seconds or config.cpu_seconds
    used = sample.cpu_seconds or 0.0
    # One process alone is ended by its own RLIMIT_CPU; this counts them together.
    if limit is not None and used > limit + 1:
        execution.fail("limit_cpu", f"the run's processes used {used:.1f} s of processor time, {limit:g} are allowed")
