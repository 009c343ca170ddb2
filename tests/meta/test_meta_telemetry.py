"""The page on telemetry lists exactly the instruments that exist, with their kinds and units, and the alerts ask only for those."""

from __future__ import annotations

import re

from house import ROOT

from symbi.contracts.metrics import LoadBalancerFigures, SchedulerFigures, SystemFigures, TaskManagerFigures
from symbi_metrics.instruments import Histogram
from symbi_metrics.levels import levels
from symbi_metrics.parts import channel_instruments, event_instruments
from symbi_metrics.process import ProcessProbe
from symbi_metrics.registry import Registry
from symbi_prometheus.exposition import expose

ROW = re.compile(r"^\| `([a-z_.0-9]+)` \| (counter|updown|gauge|histogram) \| `([^`]+)` \|", re.MULTILINE)


def every():
    registry = Registry()
    for each in registry.every():
        each.record(0.1, ()) if isinstance(each, Histogram) else each.add(1)
    system = SystemFigures(cpu_usage_percent=1, memory_usage_bytes=1, memory_total_bytes=2, uptime_seconds=3)
    return (
        *levels(SchedulerFigures(), TaskManagerFigures(), LoadBalancerFigures(), system),
        *ProcessProbe().read(),
        *channel_instruments({"each": {"a": {"platform": "slack", "inbound": 1}}}),
        *event_instruments({"dropped": 0, "failures": 0}),
        *registry.read(),
    )


def test_the_page_lists_every_instrument_as_it_is():
    page = (ROOT / "docs" / "telemetry.md").read_text(encoding="utf-8")
    assert {(name, kind, unit) for name, kind, unit in ROW.findall(page)} == {
        (each.name, each.kind, each.unit) for each in every()
    }


def test_names_follow_the_conventions():
    for each in every():
        assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", each.name)
        assert not each.name.endswith(("_seconds", "_bytes", "_total", ".total", "_ms", "_percent"))
        assert each.description.endswith(".")
        assert each.unit


def test_the_alerts_ask_only_for_series_that_are_written():
    import msgspec

    from symbi.testing.exporters import a_snapshot

    text = expose(msgspec.structs.replace(a_snapshot(), instruments=every()), version="1", openmetrics=False)
    written = set(re.findall(r"^([a-z_]\w*)", text, re.MULTILINE))
    rules = (ROOT / "examples" / "prometheus" / "symbi-alerts.yml").read_text(encoding="utf-8")
    asked = {
        name
        for line in rules.splitlines()
        if "expr:" in line
        for name in re.findall(r"\b((?:symbi|http|gen_ai|process)_\w+)(?=[\[{ ])", line)
    }
    assert len(asked) >= 9
    assert asked - written == set()
