"""Durable fires, lateness and idle cost of the scheduler, beside APScheduler 3 with its SQLite store (scheduling.md §4.3, P2-P6).

Run: python -m benchmarks.scheduler [--json] [--due N] [--folder DIR]. The disk's fsync rate is printed before and after; a durable figure
without it says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from symbi.contracts.principal import LOCAL_ADMIN
from symbi.kernel.clock import SystemClock
from symbi.store.store import Store
from symbi_scheduler.claims import claim_queued
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.cron.zones import zone_data_version
from symbi_scheduler.firing import fire_due, upcoming_work
from symbi_scheduler.plans import Plans
from symbi_scheduler.tables import METADATA, SCHEDULES
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["main"]


def fsync_rate(folder: Path, seconds: float = 0.5) -> float:
    """4 KiB writes with fdatasync per second on the disk of `folder`."""
    path = folder / "fsync-probe"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            os.pwrite(handle, b"x" * 4096, 0)
            os.fdatasync(handle)
            done += 1
        return done / (time.perf_counter() - started)
    finally:
        os.close(handle)
        path.unlink()


def _row(place: int, due: int, expression: str = "* * * * * *") -> dict[str, Any]:
    return {
        "id": f"{place:08d}-0000-4000-8000-000000000000", "name": f"s{place}", "kind": "cron", "expression": expression, "timezone": "America/New_York",
        "dst_gap": "auto", "dst_overlap": "auto", "day_match": "and", "anchor": 0, "calendar_mode": "exclude", "on_excluded": "skip", "agent": "a",
        "agent_id": "id-a", "owner": LOCAL_ADMIN, "policy_ids": (), "options": "{}", "delivery": (), "fail_fast": False, "one_shot": False,
        "state": "active", "reason": "", "next_due": due, "last_due": 0, "fires": 0, "runs": 0, "active": 0, "waiting": 0, "failures": 0,
        "failures_total": 0, "zone_data": zone_data_version(), "created_at": due, "updated_at": due,
    }  # fmt: skip


def _fill(conn: Any, number: int, due: int, expression: str) -> None:
    METADATA.create_all(conn)
    for start in range(0, number, 5000):
        conn.execute(
            SCHEDULES.insert(), [_row(place, due, expression) for place in range(start, min(number, start + 5000))]
        )


async def durable_fires(url: str, number: int) -> dict[str, float]:
    """P2, P8: `number` schedules due in one second; every batch is durable when its call returns."""
    store = await Store.open(url)
    try:
        due = int(time.time()) * 1000
        await store.write(_fill, number, due, "0 0 9 * * *")
        keeper, plans = Timekeeper(SystemClock(), store, SchedulerConfig()), Plans(SchedulerConfig())
        started, first, fired, most = time.perf_counter(), 0.0, 0, 250
        while True:
            batch = await store.write_committed(fire_due, keeper, "bench", plans, 100, most)
            most = min(most * 2, 5000)  # as the pump does
            fired += batch.fired
            first = first or time.perf_counter() - started
            if not batch.full:
                break
        took = time.perf_counter() - started
        return {"fires": fired, "seconds": took, "first_ms": first * 1000, "per_second": fired / took}
    finally:
        await store.close()


def apscheduler_fires(folder: Path, number: int) -> dict[str, float]:
    """P3: APScheduler 3 with its SQLAlchemy job store on SQLite: `number` interval jobs due together, until all have been submitted and stored."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    store = SQLAlchemyJobStore(url=f"sqlite:///{folder}/aps-{number}.db")
    scheduler = BackgroundScheduler(
        jobstores={"default": store}, executors={"default": ThreadPoolExecutor(10)}, timezone=UTC
    )
    scheduler.start(paused=True)
    due = datetime.now(UTC)
    for place in range(number):
        scheduler.add_job(_nothing, "interval", hours=1, next_run_time=due, misfire_grace_time=3600, id=str(place))
    started = time.perf_counter()
    scheduler.resume()
    horizon = due + timedelta(minutes=1)
    while any(job.next_run_time < horizon for job in scheduler.get_jobs()):
        time.sleep(0.02)
    took = time.perf_counter() - started
    scheduler.shutdown()
    return {"fires": number, "seconds": took, "per_second": number / took}


def _nothing() -> None:
    """The job."""


def celery_fires(number: int) -> dict[str, float] | None:
    """P4: Celery beat with its in-memory broker: ticks until `number` due entries have been sent; None where Celery is not installed."""
    try:
        from celery import Celery
        from celery.beat import Scheduler
        from celery.schedules import schedule
    except ImportError:
        return None
    app = Celery("bench", broker="memory://", backend="cache+memory://")
    app.task(name="nothing")(_nothing)
    sent: list[str] = []

    class Counting(Scheduler):
        def apply_async(self, entry: Any, *args: Any, **options: Any) -> Any:
            sent.append(entry.name)
            return super().apply_async(entry, *args, **options)

    beat = Counting(app=app, lazy=True)
    beat.merge_inplace(
        {str(place): {"task": "nothing", "schedule": schedule(3600, app=app)} for place in range(number)}
    )
    for entry in beat.schedule.values():
        entry.last_run_at = app.now() - timedelta(hours=2)
    started = time.perf_counter()
    while len(sent) < number:
        beat.tick()
    took = time.perf_counter() - started
    return {"fires": number, "seconds": took, "per_second": number / took}


async def on_postgresql(number: int) -> dict[str, float] | None:
    """P8: one node on a private PostgreSQL with fsync on; None where PostgreSQL is not installed."""
    from symbi.testing.postgres import PrivatePostgres, find_binaries

    binaries = find_binaries()
    if binaries is None:
        return None
    server = PrivatePostgres(binaries, durable=True)
    server.start()
    try:
        return await durable_fires(server.url(), number)
    finally:
        server.remove()


async def lateness(folder: Path, per_second: int, seconds: int) -> dict[str, float]:
    """P5: schedules spread over each second; how late the claim of each fire is durable."""
    store = await Store.open(f"sqlite:///{folder}/late.db")
    clock, config = SystemClock(), SchedulerConfig()
    try:
        base = (int(time.time()) + 2) * 1000
        await store.write(_fill, 0, base, "* * * * * *")
        rows = [
            {
                **_row(place, base + place * 1000 // per_second),
                "kind": "interval",
                "expression": "@every 1s",
                "anchor": base + place * 1000 // per_second - 1000,
            }
            for place in range(per_second)
        ]
        await store.write(lambda conn: conn.execute(SCHEDULES.insert(), rows))
        keeper, plans, late = Timekeeper(clock, store, config), Plans(config), []
        due_at: int | None = base
        while clock.now_ms() < base + seconds * 1000:
            await asyncio.sleep(max(0.0, ((due_at or 0) - clock.now_ms()) / 1000))
            batch = await store.write_committed(fire_due, keeper, "bench", plans, 1000, 1000)
            done = clock.now_ms()
            late += [done - each.scheduled_for for each in batch.claimed]
            due_at = batch.due_at
            await store.write(_free_slots)
        late.sort()
        return {
            "fires": len(late),
            "p50_ms": statistics.median(late),
            "p99_ms": late[int(len(late) * 0.99)],
            "max_ms": late[-1],
        }
    finally:
        await store.close()


def _free_slots(conn: Any) -> None:
    conn.execute(SCHEDULES.update().values(active=0))


async def idle(folder: Path, number: int, seconds: float) -> dict[str, float]:
    """P6: nothing due; processor share of the polls that the pump makes, and memory."""
    store = await Store.open(f"sqlite:///{folder}/idle.db")
    try:
        await store.write(_fill, number, int(time.time() + 86_400) * 1000, "0 0 9 * * *")
        await store.read(upcoming_work)
        used, started = time.process_time(), time.perf_counter()
        while time.perf_counter() - started < seconds:
            await store.read(upcoming_work)
            await asyncio.sleep(5.0 if seconds > 10 else 0.5)
        share = (time.process_time() - used) / (time.perf_counter() - started)
        return {
            "schedules": number,
            "core_share_percent": share * 100,
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    finally:
        await store.close()


async def claims(folder: Path, number: int) -> dict[str, float]:
    """Claims of queued fires by one node, 1,000 a transaction, after `durable_fires` of the same number."""
    store = await Store.open(f"sqlite:///{folder}/fires-{number}.db")
    try:
        keeper, done, started = Timekeeper(SystemClock(), store, SchedulerConfig()), 0, time.perf_counter()
        while found := await store.write_committed(claim_queued, keeper, "bench", 30_000, 1000):
            done += len(found)
        took = time.perf_counter() - started
        return {"claims": done, "per_second": done / took if done else 0.0}
    finally:
        await store.close()


async def measure(folder: Path, due: int) -> dict[str, Any]:
    """Every figure, one after another on the same disk."""
    found: dict[str, Any] = {"fsync_per_second_before": fsync_rate(folder)}
    found["idle"] = await idle(folder, due, 4)
    found["durable_fires"] = await durable_fires(f"sqlite:///{folder}/fires-{due}.db", due)
    found["claims"] = await claims(folder, due)
    found["apscheduler"] = await asyncio.to_thread(apscheduler_fires, folder, 300)
    found["celery_beat_2000"] = await asyncio.to_thread(celery_fires, 2000)
    found["durable_fires_10k"] = await durable_fires(f"sqlite:///{folder}/fires-10k.db", 10_000)
    found["postgresql_20k"] = await on_postgresql(20_000)
    found["lateness_100_per_second"] = await lateness(folder, 100, 5)
    found["fsync_per_second_after"] = fsync_rate(folder)
    if found["celery_beat_2000"]:
        found["fires_10k_vs_celery_2000"] = (
            found["durable_fires_10k"]["per_second"] / found["celery_beat_2000"]["per_second"]
        )
    found["fires_vs_apscheduler"] = found["durable_fires"]["per_second"] / found["apscheduler"]["per_second"]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--due", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure; a temporary one if not given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        found = asyncio.run(measure(Path(folder), given.due))
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        shown = (
            value if not isinstance(value, dict) else ", ".join(f"{key} {number:,.1f}" for key, number in value.items())
        )
        print(f"{name:<26} {shown if isinstance(shown, str) else f'{shown:,.1f}'}")


if __name__ == "__main__":
    main()
