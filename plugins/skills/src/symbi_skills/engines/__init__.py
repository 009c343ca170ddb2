"""Matching engines: the same patterns, the same findings, different speed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from symbi.contracts.errors import ConfigError
from symbi_skills.engines.base import Engine, Matcher

__all__ = ["ENGINES", "Engine", "Matcher", "engine"]


def _re2() -> Engine:
    from symbi_skills.engines.re2_engine import Re2Engine

    return Re2Engine()


def _python() -> Engine:
    from symbi_skills.engines.python_engine import PythonEngine

    return PythonEngine()


def _hyperscan() -> Engine:
    from symbi_skills.engines.hyperscan_engine import HyperscanEngine

    return HyperscanEngine()


ENGINES: dict[str, tuple[str | None, Callable[[], Engine]]] = {
    "re2": ("re2", _re2),
    "python": (None, _python),
    "hyperscan": ("hyperscan", _hyperscan),
}
"""Engine name: the module it needs, and how it is made."""


def engine(name: str = "auto") -> Engine:
    """Return the engine called `name`; `auto` is RE2 where google-re2 is installed, else the pure-Python one.

    Raises `ConfigError` for an unknown name or a library that is not installed.
    """
    if name == "auto":
        name = "re2" if find_spec("re2") else "python"
    if name not in ENGINES:
        raise ConfigError(
            f"no scanner engine is called {name!r}",
            path="plugins.skills.engine",
            hint=f"use one of auto, {', '.join(ENGINES)}",
        )
    module, make = ENGINES[name]
    if module and not find_spec(module):
        package = {"re2": "google-re2"}.get(module, module)
        raise ConfigError(
            f"scanner engine {name!r} needs {package}",
            path="plugins.skills.engine",
            hint=f'pip install {package}, or engine = "python"',
        )
    return make()
