"""Held actions: bound, decided once, expired as denied, kept over a restart (RSN-61, A-01, issue "Approvals")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from symbi import Service, hookimpl
from symbi.contracts.approvals import Approval, ApprovalRequested, ApprovalResolved, Approvals
from symbi.contracts.audit import AuditFailed
from symbi.contracts.errors import CapacityExceeded, ConfigError, Conflict, Forbidden, InvalidRequest, NotFound
from symbi.contracts.policy import AgentFacts, PolicyRequest
from symbi.contracts.principal import LOCAL_ADMIN, Principal

PLUGIN = "symbi_approvals.plugin"
ASKER = Principal(id="key:asker", kind="key", admin=True)
ANN = Principal(id="user:ann", kind="user", admin=True)
BOB = Principal(id="user:bob", kind="user", roles=frozenset({"ops"}))


def request(**changes: Any) -> PolicyRequest:
    agent = AgentFacts(id="a1", name="hello", revision="rev1")
    plain = PolicyRequest(
        principal=ASKER,
        action="tool_call",
        target="rm",
        arguments={"path": "/x"},
        agent=agent,
        run_id="r1",
        call_id="c1",
    )
    return msgspec.structs.replace(plain, **changes)


async def hold(service: Approvals, *, group: str = "ops", **changes: Any) -> Approval:
    return await service.hold(request(**changes), reason="needs a person", group=group, policy_revision="p1")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def approvals(make_kernel: Any, request: pytest.FixtureRequest) -> Any:
    """Give `approvals(clock=…, environ=…, **settings)`, on each database in turn."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""

    @asynccontextmanager
    async def build(
        *, plugins: Iterable[Any] = (), clock: Any = None, environ: Any = None, **config: Any
    ) -> AsyncIterator[Any]:
        tables: dict[str, Any] = {"plugins": {"approvals": config}} if config else {}
        if url:
            tables["store"] = {"url": url}
        async with make_kernel([PLUGIN, *plugins], tables=tables, clock=clock, environ=environ) as kernel:
            yield kernel.services.get(Approvals), kernel

    return build


async def test_a_held_action_shows_what_exactly_it_is(approvals: Any) -> None:
    async with approvals() as (service, _kernel):
        assert isinstance(service, Approvals)
        held = await hold(service, arguments={"path": "/x", "password": "hunter22"})
        assert (held.status, held.kind, held.agent_id, held.run_id, len(held.id)) == (
            "pending",
            "tool_call",
            "a1",
            "r1",
            16,
        )
        assert held.arguments == {"path": "/x", "password": "***"}
        assert "hunter22" not in str(held)
        assert held.summary.startswith("hello: tool_call::rm")
        assert held.origin["run_id"] == "r1"
        assert await service.get(held.id) == held


async def test_the_same_action_is_held_once_and_another_anew(approvals: Any) -> None:
    async with approvals() as (service, _kernel):
        first = await hold(service)
        assert (await hold(service)).id == first.id
        for changes in ({"arguments": {"path": "/y"}}, {"call_id": "c2"}, {"run_id": "r2"}, {"target": "mv"}):
            assert (await hold(service, **changes)).id != first.id
        new_policies = await service.hold(request(), reason="", group="ops", policy_revision="p2")
        assert new_policies.id != first.id
        newer = AgentFacts(id="a1", name="hello", revision="rev2")
        assert (await hold(service, agent=newer)).id != first.id


async def test_an_answer_is_given_once(approvals: Any) -> None:
    async with approvals() as (service, _kernel):
        held = await hold(service)
        done = await service.approve(held.id, by=ANN, reason="fine")
        assert (done.status, done.resolved_by, done.resolution_reason) == ("approved", "user:ann", "fine")
        for answer in (service.approve, service.deny):
            with pytest.raises(Conflict) as caught:
                await answer(held.id, by=BOB)
            assert caught.value.error_code == "already_resolved"


async def test_of_two_clients_at_once_one_wins(approvals: Any) -> None:
    async with approvals() as (service, _kernel):
        for round_ in range(20):
            held = await hold(service, call_id=f"c{round_}")
            answers = await asyncio.gather(
                service.approve(held.id, by=ANN), service.deny(held.id, by=BOB), service.approve(held.id, by=LOCAL_ADMIN),
                return_exceptions=True,
            )  # fmt: skip
            won = [each for each in answers if isinstance(each, Approval)]
            lost = [each for each in answers if isinstance(each, Conflict)]
            assert (len(won), len(lost)) == (1, 2)
            assert (await service.get(held.id)).status == won[0].status


@pytest.mark.parametrize(
    "who",
    [
        Principal(id="agent:a1", kind="agent"),
        Principal(id="agent:a1", kind="agent", admin=True, roles=frozenset({"ops"})),
        Principal(id="system:scheduler", kind="system", admin=True),
        Principal(id="anonymous", kind="anonymous"),
        Principal(id="key:scoped", kind="key", agents=frozenset({"a1"})),
        Principal(id="user:eve", kind="user", roles=frozenset({"dev"})),
    ],
    ids=lambda each: f"{each.id}-{each.admin}",
)
async def test_a_01_no_agent_and_no_stranger_decides(approvals: Any, who: Principal) -> None:
    async with approvals() as (service, _kernel):
        held = await hold(service)
        for answer in (service.approve, service.deny):
            with pytest.raises(Forbidden):
                await answer(held.id, by=who)
        assert (await service.get(held.id)).status == "pending"


async def test_whoever_asked_may_deny_but_not_approve(approvals: Any) -> None:
    async with approvals() as (service, _kernel):
        held = await hold(service)
        with pytest.raises(Forbidden) as caught:
            await service.approve(held.id, by=ASKER)
        assert caught.value.error_code == "self_approval"
        assert (await service.deny(held.id, by=ASKER)).status == "denied"
        own = await hold(service, principal=LOCAL_ADMIN)
        assert (await service.approve(own.id, by=LOCAL_ADMIN)).status == "approved"
    async with approvals(self_approval="never") as (service, _kernel):
        own = await hold(service, principal=LOCAL_ADMIN, call_id="c9")
        with pytest.raises(Forbidden):
            await service.approve(own.id, by=LOCAL_ADMIN)


async def test_a_quorum_needs_different_people(approvals: Any) -> None:
    async with approvals(quorums={"ops": 2}) as (service, _kernel):
        held = await hold(service)
        assert held.quorum == 2
        assert (await service.approve(held.id, by=ANN)).status == "pending"
        with pytest.raises(Forbidden) as caught:
            await service.approve(held.id, by=ANN)
        assert caught.value.error_code == "already_voted"
        done = await service.approve(held.id, by=BOB)
        assert done.status == "approved"
        assert [vote.principal for vote in done.votes] == ["user:ann", "user:bob"]
        other = await hold(service, call_id="c2")
        await service.approve(other.id, by=ANN)
        assert (await service.deny(other.id, by=ANN)).status == "denied"  # one who changes their mind may refuse


async def test_an_edit_replaces_the_arguments_and_starts_the_count_again(approvals: Any) -> None:
    async with approvals(quorum=2) as (service, _kernel):
        held = await hold(service)
        assert await service.arguments_of(held.id) is msgspec.UNSET
        await service.approve(held.id, by=ANN)
        edited = await service.approve(held.id, by=BOB, arguments={"path": "/tmp/x"})
        assert (edited.status, len(edited.votes), edited.edited) == ("pending", 1, True)
        done = await service.approve(held.id, by=ANN)
        assert done.status == "approved"
        assert await service.arguments_of(held.id) == {"path": "/tmp/x"}
        assert done.arguments == {"path": "/x"}
        assert done.edited_arguments == {"path": "/tmp/x"}
        for bad in ([1], "x", {"x": "y" * 300_000}):
            with pytest.raises(InvalidRequest):
                await service.approve(held.id, by=ANN, arguments=bad)


async def test_what_nobody_answers_is_denied_and_waiters_hear_of_it(approvals: Any, fake_clock: Any) -> None:
    async with approvals(clock=fake_clock, timeout_seconds=60) as (service, kernel):
        heard: list[str] = []

        async def listen(event: ApprovalResolved) -> None:
            heard.append(event.approval.status)

        kernel.events.subscribe(ApprovalResolved, listen)
        held = await hold(service)
        waiter = asyncio.create_task(service.wait(held.id))
        await asyncio.sleep(0.05)
        assert not waiter.done()
        await fake_clock.advance(61)
        assert (await asyncio.wait_for(waiter, 5)).status == "expired"
        with pytest.raises(Conflict):
            await service.approve(held.id, by=ANN)
        await asyncio.sleep(0.01)
        assert heard == ["expired"]
        assert (await hold(service)).id != held.id


async def test_waiting_ends_with_the_answer(approvals: Any) -> None:
    async with approvals() as (service, kernel):
        asked: list[str] = []

        async def listen(event: ApprovalRequested) -> None:
            asked.append(event.approval.id)

        kernel.events.subscribe(ApprovalRequested, listen)
        held = await hold(service)
        waiters = [asyncio.create_task(service.wait(held.id)) for _ in range(3)]
        await asyncio.sleep(0.02)
        await service.approve(held.id, by=ANN)
        assert {each.status for each in await asyncio.wait_for(asyncio.gather(*waiters), 1)} == {"approved"}
        assert (await service.wait(held.id)).status == "approved"
        assert asked == [held.id]
        with pytest.raises(NotFound):
            await service.wait("nothing")


async def test_it_survives_a_restart_and_expires_what_ran_out_meanwhile(approvals: Any, fake_clock: Any) -> None:
    async with approvals(clock=fake_clock) as (service, _kernel):
        short = await service.hold(request(), reason="", group="ops", policy_revision="p1", timeout_seconds=10)
        long = await hold(service, call_id="c2")
        await service.approve(long.id, by=ANN, arguments={"path": "/z"})
        third = await hold(service, call_id="c3")
    fake_clock.jump(20)
    async with approvals(clock=fake_clock) as (service, _kernel):
        assert (await service.get(short.id)).status == "expired"
        assert (await service.get(long.id)).status == "approved"
        assert await service.arguments_of(long.id) == {"path": "/z"}
        assert (await service.approve(third.id, by=ANN)).status == "approved"


async def test_cancelled_is_resolved_and_twice_does_nothing(approvals: Any) -> None:
    async with approvals() as (service, _kernel):
        held = await hold(service)
        assert (await service.cancel(held.id, reason="the run was stopped")).status == "cancelled"
        assert (await service.cancel(held.id, reason="again")).resolution_reason == "the run was stopped"


async def test_the_list_is_filtered_and_newest_first(approvals: Any, fake_clock: Any) -> None:
    async with approvals(clock=fake_clock) as (service, _kernel):
        ids = []
        for number in range(3):
            ids.append((await hold(service, call_id=str(number), run_id=f"r{number % 2}")).id)
            await fake_clock.advance(1)
        await service.deny(ids[0], by=ANN)
        assert [each.id for each in await service.list()] == ids[::-1]
        assert [each.id for each in await service.list(status="pending")] == [ids[2], ids[1]]
        assert [each.id for each in await service.list(run_id="r0", limit=1)] == [ids[2]]
        assert await service.counts() == {"pending": 2, "denied": 1}


async def test_old_ones_are_forgotten_and_too_many_refused(approvals: Any, fake_clock: Any) -> None:
    async with approvals(clock=fake_clock, keep_days=1, max_pending=2) as (service, _kernel):
        held = await hold(service)
        await hold(service, call_id="c2")
        with pytest.raises(CapacityExceeded):
            await hold(service, call_id="c3")
        await service.deny(held.id, by=ANN)
        for _ in range(30):
            await fake_clock.advance(3600)
            await asyncio.sleep(0.01)
        with pytest.raises(NotFound):
            await service.get(held.id)


@pytest.mark.parametrize("text", ["soon", "-1", "0", "nan"])
async def test_a_wrong_escalation_timeout_stops_the_start(approvals: Any, text: str) -> None:
    with pytest.raises(ConfigError, match="SYMBIONT_ESCALATION_TIMEOUT"):
        async with approvals(environ={"SYMBIONT_ESCALATION_TIMEOUT": text}):
            raise AssertionError("must not open")


async def test_the_escalation_timeout_of_the_environment_wins(approvals: Any, fake_clock: Any) -> None:
    async with approvals(clock=fake_clock, environ={"SYMBIONT_ESCALATION_TIMEOUT": "30"}, timeout_seconds=900) as (
        service,
        _kernel,
    ):
        held = await hold(service)
        assert (held.created_at, held.expires_at) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z")


class BrokenLog:
    """A plugin whose audit log cannot be written."""

    __name__ = "broken_log"
    works = True

    @hookimpl
    def services(self) -> Iterable[Service]:
        yield Service(name="log", provides="symbi.contracts.audit:AuditLog", open=self._open)

    @asynccontextmanager
    async def _open(self, _config: Any, _context: Any) -> AsyncIterator[Any]:
        yield self

    async def append(self, kind: str, **_: Any) -> None:
        if not self.works:
            raise AuditFailed("disk full")


async def test_an_answer_that_cannot_be_recorded_does_not_count(approvals: Any) -> None:
    log = BrokenLog()
    async with approvals(plugins=[log]) as (service, _kernel):
        held = await hold(service)
        log.works = False
        with pytest.raises(AuditFailed):
            await service.approve(held.id, by=ANN)
        assert (await service.get(held.id)).status == "pending"


class StrictTools:
    """Tools that take only a path."""

    async def get(self, name: str) -> Any:
        return object() if name == "rm" else None

    async def validate(self, name: str, arguments: dict[str, Any]) -> None:
        if set(arguments) != {"path"}:
            raise InvalidRequest("a path, and nothing else")


async def test_an_edit_that_does_not_fit_the_tool_is_refused_at_once(approvals: Any) -> None:
    from symbi.contracts.tools import ToolService

    async with approvals() as (service, kernel):
        kernel.services.provide(ToolService, StrictTools(), plugin="test")
        held = await hold(service)
        with pytest.raises(InvalidRequest, match="a path"):
            await service.approve(held.id, by=ANN, arguments={"bogus": 1})
        assert (await service.get(held.id)).status == "pending"
        assert (await service.approve(held.id, by=ANN, arguments={"path": "/y"})).status == "approved"
