"""Cron expressions: parse and next fire, ours beside croniter and cronsim's kind of work (scheduling.md §4.3, P1).

Run: python -m benchmarks.cron [--json]. Prints medians in microseconds and the ratios; New York, expressions of §2.2.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter

from symbi_scheduler.cron import make_rule, parse
from symbi_scheduler.cron.items import read_field

__all__ = ["main"]

EXPRESSIONS = [
    "*/30 * * * * *",
    "0 */5 * * * *",
    "0 0 9 * * *",
    "0 30 2 * * 1-5",
    "0 0 0 29 2 *",
    "0 0 12 * * Mon 2027",
]
ZONE = "America/New_York"
BASE = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
ROUNDS = 400


def _median(work: Callable[[int], Any], rounds: int = ROUNDS) -> float:
    took = []
    for number in range(rounds):
        started = time.perf_counter_ns()
        work(number)
        took.append(time.perf_counter_ns() - started)
    return statistics.median(took) / 1000


def measure(expression: str) -> dict[str, float]:
    """Medians in microseconds for one expression."""

    def cold(_: int) -> None:
        read_field.cache_clear()
        parse(expression)

    rule = make_rule(expression, ZONE)
    zone = ZoneInfo(ZONE)
    theirs = croniter(expression, datetime.fromtimestamp(BASE, zone), second_at_beginning=True)

    def their_next(number: int) -> None:
        theirs.get_next(float, start_time=BASE + number * 3607, update_current=False)

    def their_both(number: int) -> None:
        start = datetime.fromtimestamp(BASE + number * 3607, zone)
        croniter(expression, start, second_at_beginning=True).get_next(float)

    def our_both(number: int) -> None:
        make_rule(expression, ZONE).next_after(BASE + number * 3607)

    return {
        "parse_cold": _median(cold),
        "parse": _median(lambda _: parse(expression)),
        "next": _median(lambda number: rule.next_after(BASE + number * 3607)),
        "parse_and_next": _median(our_both),
        "croniter_parse": _median(lambda _: croniter.expand(expression, second_at_beginning=True), 100),
        "croniter_next": _median(their_next, 100),
        "croniter_parse_and_next": _median(their_both, 100),
    }


def main() -> None:
    """Measure and print."""
    rows = {expression: measure(expression) for expression in EXPRESSIONS}
    medians = {name: statistics.median(row[name] for row in rows.values()) for name in next(iter(rows.values()))}
    summary = {
        "parse_us": medians["parse_cold"],
        "next_us": medians["next"],
        "next_vs_croniter": statistics.median(row["croniter_next"] / row["next"] for row in rows.values()),
        "next_vs_croniter_worst": min(row["croniter_next"] / row["next"] for row in rows.values()),
        "parse_and_next_vs_croniter": statistics.median(
            row["croniter_parse_and_next"] / row["parse_and_next"] for row in rows.values()
        ),
        "cached_next_vs_croniter_parse_and_next": statistics.median(
            row["croniter_parse_and_next"] / row["next"] for row in rows.values()
        ),
    }
    if "--json" in sys.argv:
        print(json.dumps({"rows": rows, "summary": summary}, indent=2))
        return
    names = list(next(iter(rows.values())))
    print(f"{'expression':<22}" + "".join(f"{name:>25}" for name in names))
    for expression, row in rows.items():
        print(f"{expression:<22}" + "".join(f"{row[name]:>25.1f}" for name in names))
    for name, value in summary.items():
        print(f"{name:<40} {value:.1f}")


if __name__ == "__main__":
    main()
