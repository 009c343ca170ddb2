"""Discovery: what is installed is found, filtered before import, and whatever a plugin raises is contained."""

from __future__ import annotations

import sys

import pytest

from symbi.contracts.errors import ConfigError
from symbi.kernel.discovery import discover
from symbi.kernel.manager import PluginManager
from symbi.kernel.points import COMMANDS, SERVICES

GOOD = """
from symbi import hookimpl, Command

@hookimpl
def commands():
    yield Command(name="{name}", load="{name}:command", summary="Does it.")
"""


def test_installed_plugin_is_found_with_its_distribution(fake_distribution):
    fake_distribution.add("weather", GOOD.format(name="weather"), version="2.5")
    found, _ = discover(only=["weather"])
    record = found[0].record
    assert (record.name, record.distribution, record.version, record.state) == (
        "weather",
        "symbi-weather",
        "2.5",
        "registered",
    )
    assert record.import_ms > 0


def test_disabled_plugin_is_never_imported(fake_distribution):
    module = fake_distribution.add("trap", "raise SystemExit('imported')")
    found, others = discover(disabled=["trap"], only=["trap"])
    assert found == []
    assert next(record for record in others if record.name == "trap").state == "disabled"
    assert module not in sys.modules


def test_only_keeps_others_from_being_imported(fake_distribution):
    module = fake_distribution.add("trap", "raise RuntimeError('imported')")
    fake_distribution.add("weather", GOOD.format(name="weather"))
    found, others = discover(only=["weather"])
    assert [each.record.name for each in found] == ["weather"]
    assert "trap" in {record.name for record in others}
    assert module not in sys.modules


@pytest.mark.parametrize(
    "source",
    [
        "raise ValueError('boom')",
        "assert False, 'boom'",
        "import sys; sys.exit('boom')",
        "import not_there_at_all",
        "syntax error here",
    ],
)
def test_whatever_a_plugin_raises_at_import_costs_only_itself(fake_distribution, source):
    fake_distribution.add("bad", source)
    fake_distribution.add("weather", GOOD.format(name="weather"))
    manager = PluginManager()
    manager.discover(only=["bad", "weather"])
    assert manager.records["bad"].state == "broken"
    assert manager.records["bad"].faults[0].stage == "import"
    assert manager.records["bad"].faults[0].remedy
    assert "weather" in manager.catalogue(COMMANDS)


def test_two_distributions_claiming_one_plugin_name_are_named(fake_distribution):
    fake_distribution.add("weather", GOOD.format(name="weather"), distribution="symbi-a", version="1.1")
    fake_distribution.add("weather", GOOD.format(name="weather"), distribution="symbi-b", version="2.2")
    manager = PluginManager()
    manager.discover(only=["weather"])
    faults = [fault for record in manager.records.values() for fault in record.faults]
    assert len(faults) == 1
    assert "symbi-a 1.1" in faults[0].error
    assert "symbi-b 2.2" in faults[0].remedy


def test_only_naming_a_plugin_that_is_not_installed_refuses_the_start(fake_distribution):
    fake_distribution.add("weather", GOOD.format(name="weather"))
    with pytest.raises(ConfigError, match="did you mean 'weather'"):
        PluginManager().discover(only=["wether"])


def test_a_broken_plugin_offers_nothing(fake_distribution):
    fake_distribution.add(
        "bad", "from symbi import hookimpl\n@hookimpl\ndef services(unknown_argument):\n    return ()\n"
    )
    manager = PluginManager()
    manager.discover(only=["bad"])
    assert manager.records["bad"].state == "broken"
    assert manager.collect(SERVICES) == []
