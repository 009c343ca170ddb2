"""The executor keeps its contract, warm and cold."""

from __future__ import annotations

import symbi_process.plugin
from symbi.testing.executors import ExecutorContract


class TestWarm(ExecutorContract):
    plugins = (symbi_process.plugin,)
    name = "process"


class TestCold(ExecutorContract):
    plugins = (symbi_process.plugin,)
    name = "process"
    tables = {"plugins": {"process": {"warm": False}}}
