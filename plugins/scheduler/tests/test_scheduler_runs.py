"""R-RETRY, R-ONESHOT, R-GATE, R-JIT, R-BOUND, R-HIST: what becomes of a fire once it is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scheduler_world import ADMIN, open_world

from symbi.contracts.approvals import Approval, ApprovalResolved
from symbi.contracts.errors import CapacityExceeded, Conflict, PolicyDenied
from symbi.contracts.scheduling import ScheduleChange, ScheduleOptions, ScheduleRequest
from symbi.http.keys import KeyRecord, edit_keys, keys_path, principal_of_key
from symbi_scheduler.fire_ids import jitter_ms
from symbi_scheduler.queries import counts
from symbi_scheduler.retention import forget, superfluous


async def test_r_retry_attempts_come_at_0_2_6_and_14_seconds(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.runs.outcome = "failed"
        ident = await world.make(cron_expression="0 0 * * * *")
        zero = world.base + 3600
        await world.advance(3599, step=3599)
        await world.advance(20)
        assert [round(at - zero) for at, _ in world.runs.starts] == [0, 2, 6, 14]
        fires = await world.history(ident)
        assert [(fire.attempt, fire.trigger, fire.status) for fire in fires] == [
            (1, "cron", "failed"),
            (2, "retry", "failed"),
            (3, "retry", "failed"),
            (4, "retry", "dead_letter"),
        ]
        assert len({options.origin["idempotency_key"] for options in world.runs.options.values()}) == 1
        assert (await world.scheduler.get(ident)).failure_count == 1
        assert (await world.kernel.store.read(counts))["dead_letters"] == 1


async def test_pause_after_failures_and_resume(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.runs.outcome = "failed"
        ident = await world.make(options=ScheduleOptions(max_retries=0, pause_after_failures=3))
        await world.advance(400, step=20)
        view = await world.scheduler.get(ident)
        assert (view.status, view.failure_count, len(world.runs.starts)) == ("paused", 3, 3)
        assert "3 runs in a row failed" in view.reason
        world.runs.outcome = "completed"
        await world.scheduler.resume(ident, principal=ADMIN)
        await world.advance(61, step=20)
        view = await world.scheduler.get(ident)
        assert (view.status, view.failure_count) == ("active", 0)


async def test_a_success_forgets_failures(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make(options=ScheduleOptions(max_retries=0))
        for outcome in ("failed", "failed", "completed", "failed", "failed"):
            world.runs.outcome = outcome
            await world.advance(60, step=20)
        view = await world.scheduler.get(ident)
        assert (view.status, view.failure_count) == ("active", 2)


async def test_legacy_dead_letter_and_reset(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make(options=ScheduleOptions(max_retries=0, legacy_dead_letter=True))
        for outcome in ("failed", "completed", "failed", "failed"):
            world.runs.outcome = outcome
            await world.advance(60, step=20)
        assert (await world.scheduler.get(ident)).status == "dead_letter"
        assert (await world.scheduler.figures()).jobs_dead_letter == 1
        assert (await world.scheduler.reset(ident, principal=ADMIN)).status == "active"


async def test_errors_that_would_come_back_unchanged_are_not_tried_again(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.runs.outcome, world.runs.error = "failed", {"code": "policy_denied", "message": "no"}
        ident = await world.make(cron_expression="0 0 * * * *")
        await world.advance(3620, step=1810)
        assert [fire.status for fire in await world.history(ident)] == ["failed"]


async def test_r_oneshot_is_completed_only_after_its_run(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.runs.seconds = 30
        ident = await world.make(at="2026-01-01T00:01:00Z")
        await world.advance(70, step=10)
        view = await world.scheduler.get(ident)
        assert (view.status, view.next_run, view.run_count) == ("active", None, 1)
        await world.advance(30, step=10)
        view = await world.scheduler.get(ident)
        assert (view.status, view.enabled) == ("completed", False)
        with pytest.raises(Conflict):
            await world.scheduler.pause(ident, principal=ADMIN)


async def test_r_oneshot_that_fails_ends_failed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.runs.outcome = "failed"
        ident = await world.make(one_shot=True, options=ScheduleOptions(max_retries=1))
        await world.advance(70, step=1)
        view = await world.scheduler.get(ident)
        assert (view.status, len(world.runs.starts)) == ("failed", 2)
        assert [fire.status for fire in await world.history(ident)] == ["failed", "dead_letter"]


async def test_r_bound_max_fires_and_end(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        three = await world.make(max_fires=3)
        bounded = await world.make(end_at="2026-01-01T00:02:30Z", start_at="2026-01-01T00:01:30Z")
        await world.advance(300, step=30)
        assert [(await world.scheduler.get(each)).status for each in (three, bounded)] == ["completed", "completed"]
        assert [len(await world.history(each)) for each in (three, bounded)] == [3, 1]


async def test_r_gate_denied_fires_have_their_reason_and_do_not_count_as_failures(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make()
        world.gate.deny.add("schedule_run")
        await world.advance(61, step=20)
        (fire,) = await world.history(ident)
        assert (fire.status, fire.reason) == ("denied", "forbidden by the test")
        assert (await world.scheduler.get(ident)).failure_count == 0
        assert world.runs.starts == []
        assert world.gate.asked[-1].resource is not None
        assert world.gate.asked[-1].resource.attributes["trigger"] == "cron"
        assert world.gate.asked[-1].resource.id == "job"
        with pytest.raises(PolicyDenied):
            await world.scheduler.trigger(ident, principal=ADMIN)


@pytest.mark.parametrize(
    ("verdict", "status"), [("approved", "completed"), ("denied", "denied"), ("expired", "denied")]
)
async def test_r_gate_approval_parks_the_fire(tmp_path: Path, verdict: str, status: str) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make(cron_expression="0 0 * * * *")
        world.gate.hold.add("schedule_run")
        await world.advance(3601, step=1800)
        (fire,) = await world.history(ident)
        assert (fire.status, world.runs.starts) == ("waiting_approval", [])
        approval = Approval(
            id=f"ap-{fire.id}", agent_id="id-a", run_id="", kind="schedule", action="schedule_run", target="job", summary="", reason="", group="",
            status=verdict, created_at="", expires_at="", action_hash="", policy_revision="", agent_revision="", requested_by="",
        )  # fmt: skip
        world.kernel.events.publish(ApprovalResolved(approval=approval))
        await world.advance(1)
        (fire,) = await world.history(ident)
        assert fire.status == status


def key(**changes: Any) -> KeyRecord:
    """A key that reaches only the agent `id-a`."""
    given = {
        "key_id": "1",
        "key_hash": "$argon2id$x",
        "agent_scope": ["id-a"],
        "created_at": "2026-01-01T00:00:00Z",
        **changes,
    }
    return KeyRecord(**given)


async def test_the_creators_rights_are_checked_again_at_every_fire(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        path = keys_path(tmp_path / "data")
        with edit_keys(path) as records:
            records["1"] = key()
        owner = principal_of_key(key())
        request = ScheduleRequest(name="own", agent_name="a", cron_expression="0 * * * * *")
        view = await world.scheduler.create(request, principal=owner)
        await world.advance(61, step=20)
        for change in ({"agent_scope": ["id-b"]}, {"expires_at": "2026-01-01T00:02:30Z"}, {"revoked": True}):
            with edit_keys(path) as records:
                records["1"] = key(**change)
            await world.advance(60, step=20)
        fires = await world.history(view.id)
        assert [fire.status for fire in fires] == ["completed", "denied", "denied", "denied"]
        assert "may not use" in fires[1].reason
        assert "no longer valid" in fires[3].reason


async def test_rights_that_cannot_be_checked_make_the_fire_wait(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        path = keys_path(tmp_path / "data")
        with edit_keys(path) as records:
            records["1"] = key()
        request = ScheduleRequest(name="own", agent_name="a", cron_expression="0 0 * * * *")
        view = await world.scheduler.create(request, principal=principal_of_key(key()))
        path.chmod(0o644)
        await world.advance(3602, step=1800.5)
        (fire,) = await world.history(view.id)
        assert (fire.status, world.runs.starts) == ("queued", [])
        path.chmod(0o600)
        await world.advance(3)
        assert [fire.status for fire in await world.history(view.id)] == ["completed"]


async def test_an_agent_that_is_gone_fails_the_fire(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make()
        world.agents.known.clear()
        await world.advance(61, step=20)
        (fire,) = await world.history(ident)
        assert (fire.status, "gone" in (fire.error or "")) == ("failed", True)


async def test_a_full_queue_hands_the_fire_back_and_starts_it_later(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make(cron_expression="0 0 * * * *")
        world.runs.refuse = CapacityExceeded("the queue is full")
        await world.advance(3603, step=900.75)
        (fire,) = await world.history(ident)
        assert (fire.status, "full" in fire.reason) == ("queued", True)
        world.runs.refuse = None
        await world.advance(2)
        assert [fire.status for fire in await world.history(ident)] == ["completed"]


async def test_the_limit_of_this_node_keeps_fires_waiting_in_the_store(tmp_path: Path) -> None:
    async with open_world(tmp_path, max_concurrent_runs=2) as world:
        world.runs.seconds = 10
        idents = [await world.make(name=f"j{place}", cron_expression="0 0 * * * *") for place in range(5)]
        await world.advance(3601, step=3601)
        assert (len(world.runs.starts), (await world.scheduler.figures()).global_active_runs) == (2, 2)
        await world.advance(40, step=5)
        assert len(world.runs.starts) == 5
        assert [(await world.history(each))[0].status for each in idents] == ["completed"] * 5


async def test_trigger_obeys_the_overlap_policy_unless_forced(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.runs.seconds = 100
        ident = await world.make(cron_expression="0 0 * * * *", input={"day": "today"})
        first = await world.scheduler.trigger(ident, principal=ADMIN, input={"day": "now"})
        await world.advance(1)
        with pytest.raises(Conflict, match="earlier run"):
            await world.scheduler.trigger(ident, principal=ADMIN)
        await world.scheduler.trigger(ident, principal=ADMIN, force=True)
        await world.advance(1)
        assert [run.input for run in world.runs.runs.values()] == [{"day": "now"}, {"day": "today"}]
        assert first.trigger == "manual"


def test_r_jit_is_deterministic_and_even() -> None:
    assert (jitter_ms("s-1", 1772953200000, 30), jitter_ms("s-1", 1773039600000, 30)) == (2473, 5524)
    buckets = [0] * 30
    for place in range(30_000):
        buckets[jitter_ms(f"id-{place}", 1772953200000, 30) // 1000] += 1
    assert all(850 <= bucket <= 1150 for bucket in buckets)
    assert jitter_ms("s-1", 1772953200000, 30, until_next_ms=1000) == 999


async def test_r_jit_delays_the_start_and_not_the_due_time(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        ident = await world.make(cron_expression="0 0 * * * *", options=ScheduleOptions(jitter_seconds=60))
        zero = round(world.base) + 3600
        late = jitter_ms(ident, zero * 1000, 60) / 1000
        await world.advance(3600, step=3600)
        assert world.runs.starts == []
        await world.advance(61, step=0.5)
        ((at, due),) = world.runs.starts
        assert (due, abs(at - zero - late) <= 0.6) == (zero, True)
        assert (await world.scheduler.get(ident)).status == "active"


async def test_r_hist_retention_and_updates_keep_history(tmp_path: Path) -> None:
    async with open_world(tmp_path, keep_last=5) as world:
        ident = await world.make()
        await world.advance(241, step=60)
        assert len(await world.history(ident)) == 4
        await world.advance(400, step=60)  # the sweep has pruned at least once by now
        while gone := await world.kernel.store.read(superfluous, world.scheduler.config, world.scheduler.keeper.now()):
            await world.kernel.store.write(forget, gone)
        everything = await world.history(ident)
        assert [(fire.scheduled_for - everything[0].scheduled_for) // 60_000 for fire in everything] == [0, 1, 2, 3, 4]
        await world.scheduler.update(ident, ScheduleChange(timezone="Europe/London"), principal=ADMIN)
        await world.scheduler.pause(ident, principal=ADMIN)
        assert await world.history(ident) == everything[-5:]


async def test_r_hist_old_rows_go_and_archived_schedules_with_them(tmp_path: Path) -> None:
    async with open_world(tmp_path, keep_days=1) as world:
        ident = await world.make(max_fires=1)
        await world.advance(61, step=30)
        await world.scheduler.delete(ident, principal=ADMIN)
        read, now = world.kernel.store.read, world.scheduler.keeper.now()
        assert await read(superfluous, world.scheduler.config, now + 86_000_000) == []
        gone = await read(superfluous, world.scheduler.config, now + 87_000_000)
        await world.kernel.store.write(forget, gone)
        assert len(gone) == 1
        assert await read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM scheduler_schedules").scalar()) == 0


async def test_an_end_that_nobody_told_is_found(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.runs.seconds = None
        ident = await world.make(cron_expression="0 0 * * * *")
        await world.advance(3601, step=3601)
        world.runs.end("run-1", tell=False)
        await world.advance(6)
        assert [fire.status for fire in await world.history(ident)] == ["completed"]


async def test_a_damaged_row_switches_off_that_schedule_only(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        broken, sound = await world.make(name="broken"), await world.make(name="sound")

        def damage(conn) -> None:  # type: ignore[no-untyped-def]
            from symbi_scheduler.tables import SCHEDULES

            conn.execute(SCHEDULES.update().where(SCHEDULES.c.id == broken).values(options="{"))

        await world.kernel.store.write(damage)
        await world.advance(61, step=20)
        view = await world.scheduler.get(broken)
        assert (view.status, view.reason.startswith("damaged")) == ("failed", True)
        assert [fire.status for fire in await world.history(sound)] == ["completed"]
