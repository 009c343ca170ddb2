"""The queue and the pool: order, ageing, fairness, and that nothing is ever lost or held twice."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.engines import QueuedRun
from symbi_runs.admission import Pool
from symbi_runs.queue import ReadyQueue, rank_of


def entry(run_id: str, *, agent: str = "a", principal: str = "p", rank: int = 0, **more: Any) -> QueuedRun:
    return QueuedRun(run_id=run_id, agent_id=agent, principal_id=principal, rank=rank, **more)


def always(entry: QueuedRun) -> bool:
    return True


def drain(queue: ReadyQueue, *, now_ms: int = 0, finish: bool = True) -> list[str]:
    order = []
    while (taken := queue.take(now_ms=now_ms, fits=always)) is not None:
        order.append(taken.run_id)
        if finish:
            queue.done(taken.run_id)
    return order


def test_priorities_come_first_and_oldest_within_one() -> None:
    queue = ReadyQueue(share_ms=0, max_bypass=10)
    for number, priority in enumerate(["low", "normal", "critical", "normal", "high"]):
        queue.add(entry(str(number), rank=rank_of(priority, now_ms=number, ageing_seconds=60)))
    assert drain(queue) == ["2", "4", "1", "3", "0"]


def test_low_starts_within_three_minutes_of_critical_load() -> None:
    """scheduling.md §5.2: Low starts after at most 180 s under constant Critical load."""
    queue = ReadyQueue(share_ms=0, max_bypass=10)
    queue.add(entry("low", agent="l", rank=rank_of("low", now_ms=0, ageing_seconds=60)))
    for second in range(200):
        now = second * 1000
        queue.add(entry(f"c{second}", agent="c", rank=rank_of("critical", now_ms=now, ageing_seconds=60)))
        taken = queue.take(now_ms=now, fits=always)
        assert taken is not None
        queue.done(taken.run_id)
        if taken.run_id == "low":
            assert second <= 181
            return
    raise AssertionError("low never started")


def test_busy_agent_does_not_keep_others_from_their_share() -> None:
    queue = ReadyQueue(share_ms=10_000, max_bypass=10)
    for number in range(100):
        queue.add(entry(f"busy{number}", agent="busy", principal="x", rank=number))
    queue.add(entry("other", agent="other", principal="y", rank=5_000))
    assert drain(queue, finish=False).index("other") <= 2


def test_delayed_entries_wait_for_their_moment() -> None:
    queue = ReadyQueue(share_ms=0, max_bypass=10)
    queue.add(entry("later", not_before=500))
    assert queue.take(now_ms=499, fits=always) is None
    assert queue.next_due() == 500
    assert drain(queue, now_ms=500) == ["later"]


def test_one_that_does_not_fit_is_overtaken_only_so_often() -> None:
    queue = ReadyQueue(share_ms=0, max_bypass=3)
    queue.add(entry("big", agent="big", memory_bytes=10))
    for number in range(10):
        queue.add(entry(f"s{number}", agent="small", rank=number + 1))
    taken = []
    while (found := queue.take(now_ms=0, fits=lambda each: each.run_id != "big")) is not None:
        taken.append(found.run_id)
        queue.done(found.run_id)
    assert len(taken) == 3
    assert "big" in queue


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pq"), st.integers(0, 5), st.booleans()), max_size=60)
)
def test_every_entry_is_taken_once_or_removed(items: list[tuple[str, str, int, bool]]) -> None:
    queue = ReadyQueue(share_ms=1000, max_bypass=5)
    kept = set()
    for number, (agent, principal, rank, removed) in enumerate(items):
        queue.add(entry(str(number), agent=agent, principal=principal, rank=rank))
        queue.add(entry(str(number), agent=agent, principal=principal, rank=rank))
        if removed:
            queue.remove(str(number))
        else:
            kept.add(str(number))
    order = drain(queue)
    assert sorted(order) == sorted(kept)
    assert len(queue) == 0
    assert queue.active == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["take", "give", "give", "lend"]), st.integers(0, 5)), max_size=80))
def test_pool_is_full_again_whatever_happens(steps: list[tuple[str, int]]) -> None:
    pool = Pool(slots=4, memory_bytes=100, cores=1000)
    held: set[str] = set()
    for step, number in steps:
        run_id = str(number)
        if step == "take" and run_id not in held and pool.fits(entry(run_id, memory_bytes=20, cores=100)):
            pool.take(entry(run_id, memory_bytes=20, cores=100))
            held.add(run_id)
        elif step == "give":
            pool.give_back(run_id)
            pool.give_back(run_id)
            held.discard(run_id)
        elif step == "lend":
            with pool.lend(run_id):
                assert pool.held <= len(held)
        assert pool.held == len(held) <= 4
        assert pool.free == (4 - len(held), 100 - 20 * len(held), 1000 - 100 * len(held))
    for run_id in held:
        pool.give_back(run_id)
    assert pool.free == (4, 100, 1000)
