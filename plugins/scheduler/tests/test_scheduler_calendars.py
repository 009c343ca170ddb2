"""R-CAL: excluded days, moved fires, calendars from iCalendar; dateutil is the oracle for recurrence rules."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.errors import InvalidRequest
from symbi_scheduler.icalendar import read_icalendar
from symbi_scheduler.recurrence import recurrences
from symbi_scheduler.timing import Timing, TimingSpec, timing_of


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _fires(timing: Timing, after: str, count: int) -> list[str]:
    found, at = [], _ms(after)
    for _ in range(count):
        at = timing.next_after(at) or 0
        found.append(datetime.fromtimestamp(at / 1000, UTC).strftime("%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize("on_excluded", ["skip", "next_business_day"])
def test_the_specifications_thanksgiving(on_excluded: str) -> None:
    timing = timing_of(
        TimingSpec("cron", "0 0 9 * * 1-5", "America/New_York", dates=("2026-11-26",), on_excluded=on_excluded)
    )  # type: ignore[arg-type]
    assert _fires(timing, "2026-11-24T20:00:00", 3) == ["11-25T14:00", "11-27T14:00", "11-30T14:00"]


def test_weekend_fires_move_to_monday_or_friday() -> None:
    for on_excluded, expected in (
        ("next_business_day", ["11-30T12:00", "12-07T12:00"]),
        ("previous_business_day", ["11-27T12:00", "12-04T12:00"]),
    ):
        spec = TimingSpec("cron", "0 0 12 * * SAT-SUN", dates=(), weekdays=(0, 6), on_excluded=on_excluded)  # type: ignore[arg-type]
        assert _fires(timing_of(spec), "2026-11-24T20:00:00", 2) == expected


def test_include_only() -> None:
    spec = TimingSpec("cron", "0 0 9 * * *", dates=("2026-11-26", "2026-12-24"), calendar_mode="include_only")
    assert _fires(timing_of(spec), "2026-11-24T20:00:00", 2) == ["11-26T09:00", "12-24T09:00"]


@pytest.mark.parametrize("expression", ["* * * * * *", "0 0 9 * * *"])
@pytest.mark.parametrize("on_excluded", ["skip", "next_business_day", "previous_business_day"])
def test_a_calendar_without_days_never_fires_and_says_so_quickly(expression: str, on_excluded: str) -> None:
    spec = TimingSpec("cron", expression, dates=(), weekdays=(0, 1, 2, 3, 4, 5, 6), on_excluded=on_excluded)  # type: ignore[arg-type]
    timing_of.cache_clear()
    started = time.perf_counter()
    assert timing_of(spec).next_after(_ms("2026-01-01T00:00:00")) is None
    assert time.perf_counter() - started < 0.5


@given(
    st.sampled_from(["skip", "next_business_day", "previous_business_day"]),
    st.sampled_from(["0 0 */6 * * *", "0 30 2 * * *", "0 15 9 * * 5,6"]),
    st.sets(st.integers(0, 20), max_size=8),
    st.integers(0, 86_400 * 14),
)
def test_moved_fires_equal_moving_each_one(on_excluded: str, expression: str, excluded: set[int], offset: int) -> None:
    first = date(2026, 3, 1)
    dates = tuple(sorted((first + timedelta(days=day)).isoformat() for day in excluded))
    spec = TimingSpec("cron", expression, dates=dates, weekdays=(0,), on_excluded=on_excluded)  # type: ignore[arg-type]
    timing, plain = timing_of(spec), timing_of(TimingSpec("cron", expression))
    expected, at = set(), _ms("2026-02-01T00:00:00")
    while (found := plain.next_after(at)) is not None and found < _ms("2026-05-01T00:00:00"):
        moment = datetime.fromtimestamp(found / 1000, UTC)
        step = {"skip": 0, "next_business_day": 1, "previous_business_day": -1}[on_excluded]
        while step and (moment.date().isoformat() in dates or moment.weekday() == 6):
            moment += timedelta(days=step)
        if not (moment.date().isoformat() in dates or moment.weekday() == 6):
            expected.add(int(moment.timestamp() * 1000))
        at = found
    after = _ms("2026-03-01T00:00:00") + offset * 1000
    assert timing.next_after(after) == min(each for each in expected if each > after)


_DAY = st.sampled_from(["MO", "WE", "FR", "SU", "1MO", "4TH", "-1FR", "2TU"])
_RULES = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}".format, st.integers(1, 9)),
    st.builds("FREQ=WEEKLY;INTERVAL={};BYDAY={}".format, st.integers(1, 3), st.sampled_from(["MO", "TU,TH", "SA,SU"])),
    st.builds("FREQ=MONTHLY;INTERVAL={};BYDAY={}".format, st.integers(1, 5), _DAY),
    st.builds("FREQ=MONTHLY;BYMONTHDAY={}".format, st.sampled_from(["1", "15,31", "-1", "-2,5"])),
    st.builds("FREQ=YEARLY;BYMONTH={};BYDAY={}".format, st.integers(1, 12), _DAY),
    st.builds("FREQ=YEARLY;BYMONTH={};BYMONTHDAY={}".format, st.integers(1, 12), st.integers(1, 28)),
    st.just("FREQ=YEARLY"),
    st.builds("FREQ=MONTHLY;COUNT={}".format, st.integers(1, 9)),
    st.just("FREQ=WEEKLY;UNTIL=20270101T000000Z"),
)


@given(_RULES, st.dates(date(2024, 1, 1), date(2027, 12, 31)))
def test_recurrences_agree_with_dateutil(rule: str, first: date) -> None:
    start = datetime(first.year, first.month, first.day)
    theirs = [moment.date() for moment in islice(rrulestr(rule.replace("T000000Z", "T000000"), dtstart=start), 12)]
    horizon = first + timedelta(days=366 * 20)
    assert list(islice(recurrences(rule, first), 12)) == [day for day in theirs if day <= horizon]


def test_events_with_length_exceptions_and_folded_lines() -> None:
    text = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\nRRULE:FREQ=YEA\r\n RLY;COUNT=2\r\n"
        "EXDATE;VALUE=DATE:20271224\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    assert read_icalendar(text) == ("2026-12-24", "2026-12-25", "2026-12-26")


@pytest.mark.parametrize(
    "text",
    [
        "junk",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:2026\nEND:VEVENT",
        *(
            f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\nRRULE:{rule}\nEND:VEVENT"
            for rule in (
                "FREQ=SECONDLY",
                "FREQ=DAILY;INTERVAL=0",
                "FREQ=DAILY;BYSETPOS=1",
                "FREQ=DAILY;COUNT=x",
                "FREQ=MONTHLY;BYDAY=XX",
            )
        ),
    ],
)
def test_unreadable_calendars_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_icalendar(text)
    assert caught.value.details == {"field": "ical"}
