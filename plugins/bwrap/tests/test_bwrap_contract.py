"""The executor keeps its contract in a real sandbox."""

from __future__ import annotations

import shutil

import pytest

import symbi_bwrap.plugin
from symbi.testing.executors import ExecutorContract


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
class TestBwrap(ExecutorContract):
    plugins = ("symbi_process.plugin", symbi_bwrap.plugin)
    name = "bwrap"
