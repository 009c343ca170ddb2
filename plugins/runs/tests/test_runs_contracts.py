"""The engine and the executor of this plugin keep their contracts."""

from __future__ import annotations

import symbi_runs.plugin
from symbi.testing.effects import EffectHandlerContract
from symbi.testing.engines import RunEngineContract
from symbi.testing.executors import ExecutorContract


class TestEffects(EffectHandlerContract):
    plugin = symbi_runs.plugin


class TestLocalEngine(RunEngineContract):
    plugin = symbi_runs.plugin
    name = "local"


class TestInline(ExecutorContract):
    plugins = (symbi_runs.plugin,)
    name = "inline"
