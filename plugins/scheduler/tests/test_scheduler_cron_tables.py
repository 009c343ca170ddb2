"""R-CRON C1-C21 and R-TZ: the specification's tables, line by line."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import islice

import pytest
from scheduler_cron_tables import EXPRESSIONS, REFUSED, RULES, ZONES

from symbi_scheduler.cron import CronError, make_rule
from symbi_scheduler.cron.cautions import cautions


def _utc(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _shown(second: int | None) -> str | None:
    return None if second is None else datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("name", "expression", "zone", "options", "after", "expected"), EXPRESSIONS, ids=[row[0] for row in EXPRESSIONS]
)
def test_expression(
    name: str, expression: str, zone: str, options: dict[str, str], after: str, expected: list[str | None]
) -> None:
    rule = make_rule(expression, zone, **options)  # type: ignore[arg-type]
    found: list[str | None] = [_shown(second) for second in islice(rule.fires(_utc(after)), len(expected))]
    found += [None] * (len(expected) - len(found))
    assert found == expected


@pytest.mark.parametrize(("name", "expression", "code", "field"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused_naming_the_field(name: str, expression: str, code: str, field: str) -> None:
    started = time.perf_counter()
    with pytest.raises(CronError) as caught:
        make_rule(expression)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert field == "expression" or caught.value.message.startswith(field)
    assert time.perf_counter() - started < 0.05


def test_c4_in_the_past_has_no_fire() -> None:
    assert make_rule("0 0 0 1 1 * 2024").next_after(_utc("2026-01-01T00:00:00Z")) is None


def test_five_fields_and_backward_ranges_carry_a_hint() -> None:
    with pytest.raises(CronError) as five:
        make_rule("0 9 * * 1")
    assert five.value.hint == 'did you mean "0 0 9 * * 1"?'
    with pytest.raises(CronError) as backward:
        make_rule("0 0 22-2 * * *")
    assert backward.value.hint == 'did you mean "22-23,0-2"?'


def test_tz1_unknown_zone_names_three_others() -> None:
    with pytest.raises(CronError) as caught:
        make_rule("0 0 9 * * *", "Amercia/New_York")
    assert (caught.value.code, caught.value.field) == ("unknown_timezone", "timezone")
    assert caught.value.hint is not None
    assert "America/New_York" in caught.value.hint
    assert caught.value.hint.count("/") >= 3


def test_tz2_aliases_are_taken_and_kept() -> None:
    assert make_rule("0 0 9 * * *", "US/Eastern").zone.key == "US/Eastern"


@pytest.mark.parametrize("place", range(4), ids=["auto", "skip-both", "next-first", "shift-last"])
@pytest.mark.parametrize(
    ("zone", "after", "expression", "expected"), ZONES, ids=[f"{row[0]} {row[2]} {row[1][:10]}" for row in ZONES]
)
def test_daylight_saving(zone: str, after: str, expression: str, expected: list[str], place: int) -> None:
    rule = make_rule(expression, zone, **RULES[place])  # type: ignore[arg-type]
    wanted = expected[place].split()
    found = [
        datetime.fromtimestamp(second, UTC).strftime("%dT%H:%M")
        for second in islice(rule.fires(_utc(after)), len(wanted))
    ]
    assert found == wanted


@pytest.mark.parametrize(
    ("expression", "place", "expected"),
    [
        ("0 */30 * * * *", 0, 60),
        ("0 0 */2 * * *", 0, 15),
        ("0 0 */2 * * *", 2, 16),
    ],
)
def test_thirty_hours_over_the_gap(expression: str, place: int, expected: int) -> None:
    start = _utc("2026-03-08T05:00:00Z") - 1
    rule = make_rule(expression, "America/New_York", **RULES[place])  # type: ignore[arg-type]
    assert len(list(rule.fires(start, until=start + 30 * 3600))) == rule.count(start, start + 30 * 3600) == expected


@pytest.mark.parametrize(
    ("expression", "counts"), [("0 0 * * * *", (30, 30, 29, 29)), ("0 */30 * * * *", (60, 60, 58, 58))]
)
def test_thirty_hours_over_the_fold(expression: str, counts: tuple[int, ...]) -> None:
    start = _utc("2026-11-01T04:00:00Z") - 1
    for options, expected in zip(RULES, counts, strict=True):
        rule = make_rule(expression, "America/New_York", **options)  # type: ignore[arg-type]
        assert len(list(rule.fires(start, until=start + 30 * 3600))) == rule.count(start, start + 30 * 3600) == expected


def test_apia_has_no_30th_of_december_2011() -> None:
    after = _utc("2011-12-01T00:00:00Z")
    found = [_shown(make_rule("0 0 9 30 12 *", "Pacific/Apia", **options).next_after(after)) for options in RULES]  # type: ignore[arg-type]
    assert found == ["2011-12-30T10:00", "2012-12-29T19:00", "2011-12-30T10:00", "2011-12-30T19:00"]


def test_tz5_asked_inside_the_repeated_hour() -> None:
    after = _utc("2026-11-01T06:10:00Z")
    assert _shown(make_rule("0 */30 * * * *", "America/New_York").next_after(after)) == "2026-11-01T06:30"


def test_a_rare_date_in_the_fold_fires_on_both_passes_when_asked_between_them() -> None:
    rule = make_rule("0 30 1 1 11 *", "America/New_York", dst_overlap="both")
    assert _shown(rule.next_after(_utc("2026-11-01T05:35:00Z"))) == "2026-11-01T06:30"


def test_c14_and_c16_are_warned_of() -> None:
    assert any("day_match" in text for text in cautions(make_rule("0 0 9 13 * FRI").expression))
    assert any(text.startswith("uneven step") for text in cautions(make_rule("0 */7 * * * *").expression))
    assert cautions(make_rule("0 0 9 * * 1-5").expression) == []
