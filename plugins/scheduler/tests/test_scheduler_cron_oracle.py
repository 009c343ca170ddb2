"""C21 and R-TZ against oracles: brute force round zone changes, croniter elsewhere, and invariants by property tests."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi_scheduler.cron import CronError, CronRule, load_zone, make_rule, parse
from symbi_scheduler.cron.zones import _names, zone_data_version

CHANGES = [
    ("America/New_York", "2026-03-08T07:00"), ("America/New_York", "2026-11-01T06:00"), ("Europe/London", "2026-03-29T01:00"),
    ("Europe/London", "2026-10-25T01:00"), ("Australia/Lord_Howe", "2026-10-03T15:30"), ("Australia/Lord_Howe", "2026-04-04T15:00"),
    ("Antarctica/Troll", "2026-03-29T01:00"), ("Antarctica/Troll", "2026-10-25T01:00"), ("America/Havana", "2026-03-08T05:00"),
    ("Africa/Cairo", "2026-04-23T22:00"), ("Africa/Casablanca", "2026-02-15T02:00"), ("Africa/Casablanca", "2026-03-22T02:00"),
]  # fmt: skip


def _field(rng: random.Random, low: int, high: int) -> str:
    shape = rng.randrange(6)
    if shape == 0:
        return "*"
    if shape == 1:
        return f"*/{rng.randint(1, max(2, (high - low) // 2))}"
    first = rng.randint(low, high)
    if shape == 2:
        return f"{first}-{rng.randint(first, high)}"
    if shape == 3:
        return ",".join(str(rng.randint(low, high)) for _ in range(3))
    return str(first)


def _expression(rng: random.Random) -> str:
    second = rng.choice(["0", "0", "30", "*/20"])
    return f"{second} {_field(rng, 0, 59)} {rng.choice([_field(rng, 0, 5), _field(rng, 0, 23), '*'])} * * *"


def _brute(rule: CronRule, low: int, high: int) -> list[int]:
    """Every second of [low, high): matches by the local clock, under the rule's words; no arithmetic shared with the evaluator."""
    zone, x = ZoneInfo(rule.zone.key), rule.expression

    def matches(moment: datetime) -> bool:
        return bool(x.seconds >> moment.second & 1 and x.minutes >> moment.minute & 1 and x.hours >> moment.hour & 1)

    found = set()
    before = datetime.fromtimestamp(low - 1, UTC).astimezone(zone)
    for second in range(low, high):
        local = datetime.fromtimestamp(second, UTC).astimezone(zone)
        jump = int((local.replace(tzinfo=None) - before.replace(tzinfo=None)).total_seconds()) - 1
        if jump > 0:
            skipped = [before.replace(tzinfo=None) + timedelta(seconds=k + 1) for k in range(jump)]
            hits = [k for k, moment in enumerate(skipped) if matches(moment)]
            found |= (
                {second}
                if hits and rule.gap == "next"
                else {second + k for k in hits}
                if rule.gap == "shift"
                else set()
            )
        if matches(local):
            repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
            first_pass = not local.fold
            if not repeated or rule.overlap == "both" or (rule.overlap == "first") == first_pass:
                found.add(second)
        before = local
    return sorted(second for second in found if second < high)


@pytest.mark.parametrize(("zone", "change"), CHANGES, ids=[f"{zone} {change}" for zone, change in CHANGES])
def test_evaluator_equals_brute_force_round_a_change(zone: str, change: str) -> None:
    rng = random.Random(f"{zone}{change}")
    middle = int(datetime.fromisoformat(change).replace(tzinfo=UTC).timestamp())
    low, high = middle - 2 * 3600, middle + 3 * 3600
    for gap in ("skip", "next", "shift"):
        for overlap in ("first", "last", "both"):
            text = _expression(rng)
            rule = make_rule(text, zone, dst_gap=gap, dst_overlap=overlap)  # type: ignore[arg-type]
            expected = _brute(rule, low, high)
            assert list(rule.fires(low - 1, until=high - 1)) == expected, (text, gap, overlap, zone_data_version())
            assert rule.count(low - 1, high - 1) == len(expected), (text, gap, overlap)


def test_agrees_with_croniter_where_no_clock_changes() -> None:
    rng = random.Random(7)
    base = datetime(2026, 1, 5, 3, 4, 5, tzinfo=UTC)
    for _ in range(150):
        text = f"{_field(rng, 0, 59)} {_field(rng, 0, 59)} {_field(rng, 0, 23)} {_field(rng, 1, 28)} {_field(rng, 1, 12)} *"
        if any(part.count("-") == 1 and len(set(part.split("-"))) == 1 for part in text.split()):
            continue  # croniter takes an equal range for the whole field
        theirs = croniter(text, base, second_at_beginning=True)
        ours = make_rule(text)
        at = int(base.timestamp())
        for _step in range(3):
            at = ours.next_after(at) or 0
            assert at == int(theirs.get_next(float)), text


_WORD = st.sampled_from(
    [
        "*",
        "?",
        "0",
        "5",
        "*/7",
        "1-5",
        "5-1",
        "L",
        "LW",
        "15W",
        "MON#2",
        "5L",
        "FRI",
        "H",
        "H/5",
        "JAN",
        "60",
        "x",
        "1,2,3",
        "",
        "*/0",
    ]
)


@given(st.lists(_WORD, min_size=4, max_size=9).map(" ".join) | st.text(max_size=40))
def test_the_parser_raises_nothing_but_cron_error(text: str) -> None:
    with suppress(CronError):
        parse(text, seed="s")


_PLAIN = st.sampled_from(["*", "0", "*/15", "30", "1-20/3", "5,10,40"])


@settings(deadline=None)
@given(
    st.tuples(
        _PLAIN,
        _PLAIN,
        st.sampled_from(["*", "2", "1-3", "*/6"]),
        st.sampled_from(["*", "L", "13", "15W"]),
        st.just("*"),
        st.sampled_from(["*", "1-5", "FRI"]),
    ).map(" ".join),
    st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]),
    st.integers(1_760_000_000, 1_800_000_000),
)
def test_c21_next_is_later_minimal_and_the_same_from_any_instant_between(text: str, zone: str, after: int) -> None:
    rule = make_rule(text, zone)
    first = rule.next_after(after)
    assert first is not None
    assert first > after
    second = rule.next_after(first)
    assert second is not None
    assert second > first
    for instant in (first + 1, (first + second) // 2, second - 1):
        if first <= instant < second:
            assert rule.next_after(instant) == second
    assert rule.latest(second) == second
    assert rule.latest(second - 1) == first
    assert rule.count(after, second) == 2
    assert rule.count(first, second) == 1


def test_no_zone_changes_twice_within_the_probe() -> None:
    names = sorted(name for name in _names() if "/" in name)[::12]
    for name in names:
        zone = load_zone(name)
        for year in range(2000, 2038, 6):
            start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
            for day in range(0, 366):
                instant = start + day * 86400
                assert zone.at(instant).offset == zone.offset(instant), (name, instant)


@pytest.mark.parametrize("part", range(4))
def test_every_local_day_has_one_0230_under_auto(part: int) -> None:
    for name in sorted(_names())[part * 9 :: 60]:
        rule = make_rule("0 30 2 * * *", name)
        zone = ZoneInfo(name)
        start, end = datetime(2026, 1, 1, tzinfo=zone), datetime(2027, 1, 1, tzinfo=zone)
        assert len(list(rule.fires(int(start.timestamp()) - 1, until=int(end.timestamp()) - 1))) == 365, name


def test_counting_ten_years_of_seconds_takes_no_time() -> None:
    import time

    rule = make_rule("* * * * * *", "America/New_York")
    started = time.perf_counter()
    counted = rule.count(1_767_225_600, 1_767_225_600 + 3652 * 86400)
    assert counted == 3652 * 86400
    assert time.perf_counter() - started < 0.05
