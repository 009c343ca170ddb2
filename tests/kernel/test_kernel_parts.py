"""Events, fan-out, tasks, clock, services: the small parts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.offers import load
from symbi.kernel.clock import from_ms, rfc3339, to_ms
from symbi.kernel.events import EventBus
from symbi.kernel.fanout import fan_out
from symbi.kernel.tasks import Tasks


class Base(msgspec.Struct, frozen=True):
    n: int


class Derived(Base, frozen=True):
    pass


async def test_events_reach_subscribers_of_the_type_and_its_bases_in_order():
    bus, seen = EventBus(), []

    async def note(event):
        seen.append((type(event).__name__, event.n))

    undo = bus.subscribe(Base, note)
    for n in range(5):
        bus.publish(Derived(n) if n % 2 else Base(n))
    bus.publish("nobody listens")
    await asyncio.sleep(0.01)
    assert seen == [("Base", 0), ("Derived", 1), ("Base", 2), ("Derived", 3), ("Base", 4)]
    await undo()
    bus.publish(Base(9))
    await asyncio.sleep(0.01)
    assert len(seen) == 5
    await bus.close()


async def test_a_slow_listener_drops_beyond_its_bound_and_a_failing_one_goes_on():
    bus, seen = EventBus(), []

    async def slow(event):
        await asyncio.sleep(60)

    async def failing(event):
        seen.append(event.n)
        raise ValueError("bad listener")

    bus.subscribe(Base, slow, limit=3)
    bus.subscribe(Base, failing)
    for n in range(10):
        bus.publish(Base(n))
        await asyncio.sleep(0)
    assert seen == list(range(10))
    assert bus.figures()["dropped"] >= 6
    assert bus.figures()["failures"] == 10


async def test_fan_out_gives_each_its_deadline_and_its_own_failure():
    async def good():
        return 1

    async def bad():
        raise KeyError("x")

    async def hanging():
        await asyncio.sleep(60)

    outcomes = await fan_out({"good": good, "bad": bad, "hanging": hanging}, deadline=0.05)
    assert outcomes["good"].value == 1
    assert isinstance(outcomes["bad"].error, KeyError)
    assert isinstance(outcomes["hanging"].error, TimeoutError)
    assert "hanging did not answer within 0.05 s" in str(outcomes["hanging"].error)


async def test_supervised_work_is_started_again():
    tasks, runs = Tasks("test"), []

    async def work():
        runs.append(1)
        if len(runs) < 3:
            raise RuntimeError("again")

    await asyncio.wait_for(tasks.supervise("work", work, first_pause=0.001), 2)
    assert len(runs) == 3
    await tasks.close()


async def test_the_fake_clock_wakes_sleepers_in_order(fake_clock):
    woken = []

    async def sleeper(seconds):
        await fake_clock.sleep(seconds)
        woken.append((seconds, fake_clock.now()))

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 2)]
    await asyncio.sleep(0)
    await fake_clock.advance(2.5)
    assert [seconds for seconds, _ in woken] == [1, 2]
    assert woken[0][1] == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    await fake_clock.advance(1)
    assert len(woken) == 3
    await asyncio.gather(*tasks)


@given(st.integers(0, 4_102_444_800_000))
def test_milliseconds_survive_the_round_trip(milliseconds):
    assert to_ms(from_ms(milliseconds)) == milliseconds
    assert rfc3339(milliseconds).endswith("Z")
    assert to_ms(datetime.fromisoformat(rfc3339(milliseconds))) == milliseconds


def test_references_name_what_is_missing():
    assert load(5) == 5
    assert load("json:dumps") is __import__("json").dumps
    with pytest.raises(AttributeError, match="'json:nothing'"):
        load("json:nothing")
    with pytest.raises(ImportError):
        load("no_such_module_at_all:x")
