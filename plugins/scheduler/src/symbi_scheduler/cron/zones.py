"""Time zones as segments of constant offset on integer UTC, read from the zone data through `zoneinfo`."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from symbi_scheduler.cron.errors import CronError

__all__ = ["Segment", "Zone", "load_zone", "zone_data_version"]

_DAY = 86400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PROBE = 4 * _DAY  # no zone has changed twice within four days since 1970; a test proves it for the installed data


class Segment(NamedTuple):
    """UTC seconds [start, end) with one offset; `before` and `after` are the changes of offset at its two ends, in seconds."""

    start: int
    end: int
    offset: int
    before: int
    after: int


class Zone:
    """One time zone; `at(utc)` gives the segment that holds an instant, computed by the year and kept."""

    __slots__ = ("_last", "_years", "_zone", "key")

    def __init__(self, key: str, zone: ZoneInfo) -> None:
        self.key = key
        self._zone = zone
        self._years: dict[int, tuple[list[int], list[Segment]]] = {}
        self._last = Segment(0, 0, 0, 0, 0)

    def at(self, utc: int) -> Segment:
        """The segment that holds the instant `utc`."""
        last = self._last
        if last.start <= utc < last.end:
            return last
        year = utc // (366 * _DAY)
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self._window(year)
        starts, segments = known
        self._last = found = segments[bisect_right(starts, utc) - 1]
        return found

    def offset(self, utc: int) -> int:
        """Seconds to add to UTC for the local clock at an instant."""
        delta = (_EPOCH + timedelta(seconds=utc)).astimezone(self._zone).utcoffset()
        return (delta.days * _DAY + delta.seconds) if delta is not None else 0

    def _window(self, year: int) -> tuple[list[int], list[Segment]]:
        """Segments of one 366-day year with a year of margin on both sides, so that no change near its ends is overlooked."""
        low, high = (year - 1) * 366 * _DAY, (year + 2) * 366 * _DAY
        edges, offsets = [low], [self.offset(low)]
        for probe in range(low + _PROBE, high + _PROBE, _PROBE):
            offset = self.offset(probe)
            if offset != offsets[-1]:
                edges.append(self._change(probe - _PROBE, probe))
                offsets.append(offset)
        edges.append(high)
        changes = [0, *(b - a for a, b in itertools.pairwise(offsets)), 0]
        segments = [
            Segment(edges[i], edges[i + 1], offsets[i], changes[i], changes[i + 1]) for i in range(len(offsets))
        ]
        return edges[:-1], segments

    def _change(self, low: int, high: int) -> int:
        """The first second in (low, high] with the offset of `high`."""
        offset = self.offset(high)
        while high - low > 1:
            middle = (low + high) // 2
            if self.offset(middle) == offset:
                high = middle
            else:
                low = middle
        return high


@lru_cache(maxsize=1024)
def load_zone(name: str) -> Zone:
    """The zone of that IANA name or alias; raises CronError `unknown_timezone` with the three closest names."""
    try:
        return Zone(name, _read(name))
    except (ValueError, OSError, KeyError):
        near = _closest(name)
    hint = f"did you mean {', '.join(near[:-1])} or {near[-1]}?"
    raise CronError("unknown_timezone", f"{name!r} is not a known time zone", field="timezone", hint=hint)


def _read(name: str) -> ZoneInfo:
    """Zone data from the tzdata wheel, so that every node answers alike whatever its system holds; the system's where no wheel is."""
    if name not in _names():
        raise ValueError(name)
    try:
        folder = resources.files("tzdata.zoneinfo")
    except ModuleNotFoundError:
        return ZoneInfo(name)
    with folder.joinpath(*name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    try:
        text = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii")
    except (ModuleNotFoundError, OSError):
        return frozenset(
            known for known in available_timezones() if not known.startswith(("SystemV/", "posix/", "right/"))
        )
    return frozenset(text.split())


def _closest(name: str) -> list[str]:
    names = {known.lower(): known for known in _names()}
    wanted = name[:64].lower().replace(" ", "_")
    near = get_close_matches(wanted, names, n=3, cutoff=0.0)
    cities = {known.rpartition("/")[2].lower(): known for known in names.values()}
    by_city = [cities[city] for city in get_close_matches(wanted.rpartition("/")[2], cities, n=3, cutoff=0.75)]
    merged = dict.fromkeys([*by_city, *(names[found] for found in near)])
    return list(merged)[:3]


def zone_data_version() -> str:
    """The version of the zone data in use, from the pinned tzdata wheel; "system" when the wheel is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tzdata")
    except PackageNotFoundError:
        return "system"
