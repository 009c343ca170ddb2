"""Detectors: rules that are functions. One that fails fails the scan."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch

from symbi.contracts.errors import PluginError
from symbi.contracts.offers import load
from symbi_skills.ruleset import RuleSet

__all__ = ["run_detectors"]


def run_detectors(rules: RuleSet, path: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield rule number and 1-based line of what the detectors object to; raises `PluginError` naming the rule of one that breaks."""
    name = path.rsplit("/", 1)[-1]
    for number, check in rules.detectors:
        if check.files and not any(fnmatch(path, pattern) or fnmatch(name, pattern) for pattern in check.files):
            continue
        source = rules.sources[number]
        try:
            found = [int(line) for line in load(check.scan)(text, path)]
        except Exception as error:  # a third party's code: whatever it raises, the scan must not pass
            raise PluginError(
                f"scanner rule {source.rule.id!r} of {source.plugin} failed on {path}: {type(error).__name__}: {error}",
                plugin=source.plugin,
                hint="report it to the plugin's author, or disable the rule by its id",
            ) from error
        for line in found:
            yield number, line
