"""The contract of declarations: subclass it with `plugin`; it holds for every hook that the plugin implements."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec

from symbi.contracts.offers import Offer, load
from symbi.kernel.manager import PluginManager
from symbi.kernel.points import POINTS

__all__ = ["DeclarationContract", "declared"]

_REFERENCES = ("provides", "config", "open", "load", "listen", "check", "collect", "handle", "event")


def declared(plugin: Any, name: str = "tested") -> tuple[PluginManager, list[tuple[str, Any]]]:
    """Return a manager that holds only the plugin, and `(hook, declaration)` of everything it declares."""
    manager = PluginManager()
    manager.register(plugin, name)
    return manager, [(point.hook, entry.item) for point in POINTS.values() for entry in manager.collect(point)]


class DeclarationContract:
    """What every plugin's declarations must be."""

    plugin: Any
    """The plugin module."""

    def test_its_declarations_are_admitted_without_a_fault(self) -> None:
        """Every hook is known, every declaration of the right type, every name usable and free."""
        manager, found = declared(self.plugin)
        assert manager.records["tested"].faults == []
        assert found, "a plugin declares something"

    def test_declaring_twice_gives_the_same(self) -> None:
        """A declaration depends on nothing but the code."""
        assert [(hook, str(item)) for hook, item in declared(self.plugin)[1]] == [
            (hook, str(item)) for hook, item in declared(self.plugin)[1]
        ]

    def test_every_reference_can_be_loaded(self) -> None:
        """What a declaration names by `module:attribute` exists."""
        for hook, item in declared(self.plugin)[1]:
            for field, ref in _references(item):
                assert load(ref) is not None, f"{hook}: {field} = {ref}"

    def test_configurations_are_frozen_and_strict(self) -> None:
        """A configuration struct is frozen, refuses unknown fields, and has a default for every field that can have one."""
        for hook, item in declared(self.plugin)[1]:
            if isinstance(item, Offer):
                kind = item.config_type()
                assert issubclass(kind, msgspec.Struct), f"{hook}: {kind}"
                assert kind.__struct_config__.frozen, f"{hook}: {kind} must be frozen"
                assert kind.__struct_config__.forbid_unknown_fields, f"{hook}: {kind} must refuse unknown fields"

    def test_openers_take_configuration_and_context(self) -> None:
        """`open(config, context)` is callable with exactly these."""
        for _, item in declared(self.plugin)[1]:
            if isinstance(item, Offer):
                inspect.signature(item.opener()).bind(object(), object())

    def test_people_can_read_what_it_is(self) -> None:
        """Commands and services say in one line what they are."""
        for hook, item in declared(self.plugin)[1]:
            if hook in ("commands", "services", "exporters", "tools"):
                assert item.summary, f"{hook}: {item.name} has no summary"


def _references(item: Any) -> Iterator[tuple[str, Any]]:
    for field in _REFERENCES:
        ref = getattr(item, field, None)
        if isinstance(ref, str) and ":" in ref:
            yield field, ref
