"""The manager: declarations are validated, attributed and isolated."""

from __future__ import annotations

import types

from symbi import Command, MetricsSource, Service, hookimpl
from symbi.kernel.manager import PluginManager
from symbi.kernel.points import COMMANDS, METRICS_SOURCES, POINTS, SERVICES


def plugin(**hooks):
    """A plugin object whose hooks return what is given, or raise it."""
    module = types.SimpleNamespace()
    for name, value in hooks.items():

        def hook(value=value):
            if isinstance(value, Exception):
                raise value
            return value

        hook.__name__ = name
        hook.__signature__ = None
        setattr(module, name, hookimpl(_without_arguments(hook)))
    return module


def _without_arguments(hook):
    return lambda: hook()


def command(name):
    return Command(name=name, load="nowhere:command", summary="Does it.")


def test_declarations_are_catalogued_by_name_in_the_order_of_plugins():
    manager = PluginManager()
    manager.register(plugin(commands=[command("b")]), "two")
    manager.register(plugin(commands=[command("c"), command("a")]), "one")
    assert [entry.item.name for entry in manager.collect(COMMANDS)] == ["c", "a", "b"]
    assert manager.catalogue(COMMANDS)["b"].name == "b"
    assert manager.records["one"].offers == ["commands:c", "commands:a"]


def test_a_hook_that_raises_costs_only_its_plugin():
    manager = PluginManager()
    manager.register(plugin(commands=RuntimeError("no")), "bad")
    manager.register(plugin(commands=[command("a")]), "good")
    assert list(manager.catalogue(COMMANDS)) == ["a"]
    assert manager.records["bad"].state == "degraded"
    assert "RuntimeError: no" in manager.records["bad"].error


def test_a_declaration_of_the_wrong_type_is_refused_and_named():
    manager = PluginManager()
    manager.register(plugin(commands=["text"], services=[command("x")]), "bad")
    assert manager.collect(COMMANDS) == []
    assert manager.collect(SERVICES) == []
    assert "expected Command" in manager.records["bad"].faults[0].error
    assert "expected Service" in manager.records["bad"].faults[1].error


def test_collisions_name_both_plugins_with_their_distributions():
    manager = PluginManager()
    manager.register(plugin(commands=[command("a")]), "first", distribution="symbi-first", version="1.0")
    manager.register(plugin(commands=[command("a")]), "second", distribution="symbi-second", version="2.0")
    assert len(manager.collect(COMMANDS)) == 1
    fault = manager.records["second"].faults[0]
    assert "symbi-second 2.0" in fault.error
    assert "symbi-first 1.0" in fault.error
    assert "disabled" in fault.remedy


def test_metrics_sources_may_share_a_block():
    manager = PluginManager()
    source = MetricsSource(name="scheduler", collect="nowhere:collect")
    manager.register(plugin(metrics_sources=[source]), "one")
    manager.register(plugin(metrics_sources=[source]), "two")
    assert len(manager.collect(METRICS_SOURCES)) == 2


def test_an_unknown_hook_is_seen_with_the_name_that_was_meant():
    manager = PluginManager()
    manager.register(plugin(exportes=[]), "typo")
    assert "did you mean 'exporters'" in manager.records["typo"].faults[0].error


def test_unusable_names_are_refused():
    manager = PluginManager()
    manager.register(plugin(commands=[command(""), command("UPPER"), command("../up")]), "bad")
    assert manager.collect(COMMANDS) == []
    assert len(manager.records["bad"].faults) == 3


def test_unregister_undoes_register():
    manager = PluginManager()
    manager.register(plugin(services=[Service(name="x", provides="a:B", open="a:b")]), "one")
    assert manager.collect(SERVICES)
    manager.unregister("one")
    assert manager.collect(SERVICES) == []
    assert manager.records == {}
    manager.unregister("one")


def test_every_hook_has_a_point_and_every_point_a_hook():
    from symbi.kernel import hookspecs

    specified = {name for name, value in vars(hookspecs).items() if hasattr(value, "symbi_spec")}
    assert specified == set(POINTS)
