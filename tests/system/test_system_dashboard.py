"""The dashboard in the examples asks only for series that the runtime writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from symbi.contracts.metrics import LoadBalancerFigures, SchedulerFigures, SystemFigures, TaskManagerFigures
from symbi.testing.exporters import a_snapshot
from symbi_metrics.instruments import Histogram
from symbi_metrics.levels import levels
from symbi_metrics.parts import event_instruments
from symbi_metrics.process import ProcessProbe
from symbi_metrics.registry import Registry
from symbi_prometheus.exposition import expose

WORDS = {"sum", "by", "rate", "histogram_quantile", "on", "le"}


def written() -> set[str]:
    import msgspec

    registry = Registry()
    for each in registry.every():
        attributes = (
            ("http.route", "/x"),
            ("http.response.status_code", "200"),
            ("symbi.policy.decision", "allow"),
            ("symbi.outcome", "success"),
        )
        attributes += (
            ("symbi.metrics.exporter", "file"),
            ("symbi.run.outcome", "failed"),
            ("symbi.delivery.target", "webhook"),
        )
        attributes += (("gen_ai.request.model", "m"), ("error.type", "x"), ("gen_ai.token.type", "input"))
        each.record(0.1, attributes) if isinstance(each, Histogram) else each.add(1, attributes)
    system = SystemFigures(cpu_usage_percent=1, memory_usage_bytes=1, memory_total_bytes=2, uptime_seconds=3)
    instruments = (
        *levels(SchedulerFigures(), TaskManagerFigures(), LoadBalancerFigures(), system),
        *ProcessProbe().read(),
        *event_instruments({"dropped": 0, "failures": 0}),
        *registry.read(),
    )
    text = expose(msgspec.structs.replace(a_snapshot(), instruments=instruments), version="1", openmetrics=False)
    return set(re.findall(r"[a-zA-Z_]\w*", text))


def test_every_name_in_the_dashboard_is_written():
    dashboard = json.loads((Path(__file__).parents[2] / "examples" / "grafana" / "symbi.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) >= 12
    names = {word for text in expressions for word in re.findall(r"[a-zA-Z_]\w*", re.sub(r"\[\w+\]", "", text))} - WORDS
    assert names - written() == set()
