"""The rules in force: those of the installed plugins, of packs, and of the caller; minus what the operator disabled."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from symbi.contracts.errors import ConfigError, PluginError
from symbi.contracts.scanner import ScannerRule, ScannerRuleSource

_LOG = logging.getLogger(__name__)

__all__ = ["as_sources", "chosen", "installed_rules"]


def as_sources(offers: Iterable[tuple[str, ScannerRule]]) -> list[ScannerRuleSource]:
    """Return offers of the kernel with their plugin; rules that are on by default come first."""
    sources = [ScannerRuleSource(plugin=plugin, rule=rule) for plugin, rule in offers]
    return sorted(sources, key=lambda source: not source.rule.default)


def installed_rules() -> list[ScannerRuleSource]:
    """Return the rules of the plugins installed in this environment, for use without a kernel.

    A plugin that cannot be imported is logged and left out, as the kernel does. Raises `PluginError` naming a plugin whose rules cannot be
    declared: a scan with fewer of its rules is no scan.
    """
    from importlib.metadata import entry_points

    declared: list[tuple[str, ScannerRule]] = []
    for entry in sorted(entry_points(group="symbi.plugins"), key=lambda each: each.name):
        try:
            module = entry.load()
        except Exception as error:
            _LOG.warning(
                "plugin %s cannot be imported, so it gives no rules: %s: %s", entry.name, type(error).__name__, error
            )
            continue
        try:
            declared += (
                [(entry.name, rule) for rule in module.scanner_rules()] if hasattr(module, "scanner_rules") else []
            )
        except Exception as error:
            why = f"the scanner rules of plugin {entry.name!r} are broken: {type(error).__name__}: {error}"
            raise PluginError(why, plugin=entry.name, hint="reinstall the plugin, or uninstall it") from error
    return as_sources(declared)


def refuse_faults(faults: Iterable[tuple[str, str, str, str]]) -> None:
    """Raise `PluginError` for the first (plugin, stage, error, remedy) that concerns scanner rules."""
    for plugin, stage, error, remedy in faults:
        if stage == "declare:scanner_rules":
            raise PluginError(
                f"the scanner rules of plugin {plugin!r} are broken: {error}", plugin=plugin, hint=remedy or None
            )


def chosen(
    sources: Iterable[ScannerRuleSource], *, enabled: frozenset[str], disabled: frozenset[str]
) -> list[ScannerRuleSource]:
    """Return the rules that are on: default rules and those enabled by id, category or plugin, without the disabled ids.

    Raises `ConfigError` when nothing is left, or when `disabled` names no rule.
    """
    listed = list(sources)
    known = {source.rule.id for source in listed}
    for name in sorted(disabled - known):
        raise ConfigError(
            f"no scanner rule is called {name!r}", path="plugins.skills.disabled", hint="symbi rules lists them"
        )
    words = {word for source in listed for word in (source.rule.id, source.rule.category, source.plugin)}
    for name in sorted(enabled - words):
        raise ConfigError(
            f"no scanner rule, category or plugin is called {name!r}",
            path="plugins.skills.enabled",
            hint="symbi rules lists them",
        )
    kept = [
        source
        for source in listed
        if (source.rule.default or enabled & {source.rule.id, source.rule.category, source.plugin})
        and source.rule.id not in disabled
    ]
    if not kept:
        raise ConfigError(
            "no scanner rule is installed and on, so nothing can pass",
            path="plugins.skills",
            hint="pip install symbi-clawhavoc",
        )
    return kept
