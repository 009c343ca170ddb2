"""Held actions as a state machine: whatever happens in whatever order, one resolution, and nothing after it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import create_engine

from symbi.contracts.approvals import Approvals
from symbi.contracts.errors import Conflict, Forbidden
from symbi_approvals import records
from symbi_approvals.tables import METADATA

PEOPLE = st.sampled_from(("ann", "bob", "cy"))
QUORUM, LIFETIME = 2, 100


class HeldAction(RuleBasedStateMachine):
    """A model of one held action beside the store: time, votes for the arguments as they stand, and the outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        METADATA.create_all(self.engine)
        self.now, self.outcome, self.edited = 0, "pending", ""
        self.votes: set[str] = set()

    @initialize()
    def hold(self) -> None:
        row: dict[str, Any] = {
            "id": "a" * 16, "agent_id": "", "run_id": "", "kind": "other", "action": "x", "target": "", "summary": "", "reason": "",
            "group_name": "g", "status": "pending", "created_at": 0, "expires_at": LIFETIME, "action_hash": "h", "policy_revision": "",
            "agent_revision": "", "requested_by": "", "quorum": QUORUM, "arguments": {}, "context_snapshot": None, "origin": {},
        }  # fmt: skip
        with self.engine.begin() as conn:
            assert records.hold(conn, row, 10)[1] is True

    @rule(who=PEOPLE, edit=st.sampled_from((None, None, "1", "2")))
    def approve(self, who: str, edit: str | None) -> None:
        text = None if edit is None else f'{{"v":{edit}}}'
        digest = hashlib.sha256(text.encode()).hexdigest() if text else ""
        found = self._vote("approve", who, text, digest)
        if self._closed():
            assert isinstance(found, Conflict)
            return
        changes = text is not None and digest != self.edited
        if changes:
            self.edited, self.votes = digest, set()
        elif who in self.votes:
            assert isinstance(found, Forbidden)
            return
        self.votes.add(who)
        if len(self.votes) >= QUORUM:
            self.outcome = "approved"
        assert found == self.outcome

    @rule(who=PEOPLE)
    def deny(self, who: str) -> None:
        found = self._vote("deny", who, None, "")
        if self._closed():
            assert isinstance(found, Conflict)
        else:
            self.outcome = "denied"
            assert found == "denied"

    @rule()
    def cancel(self) -> None:
        with self.engine.begin() as conn:
            _found, changed = records.cancel(conn, "a" * 16, "", self.now)
        assert changed is (self.outcome == "pending")
        if changed:
            self.outcome = "cancelled"

    @rule(step=st.integers(1, 60))
    def time_passes(self, step: int) -> None:
        self.now += step
        with self.engine.begin() as conn:
            expired = records.expire(conn, self.now)
        if self.outcome == "pending" and self.now >= LIFETIME:
            self.outcome = "expired"
            assert len(expired) == 1
        else:
            assert expired == []

    @invariant()
    def the_store_says_the_same(self) -> None:
        with self.engine.begin() as conn:
            try:
                found = records.find(conn, "a" * 16)
            except Exception:
                return  # before the hold
        assert found.status == self.outcome
        assert (found.resolved_at is None) is (self.outcome == "pending")
        if self.outcome == "approved":
            assert {vote.principal for vote in found.votes} == self.votes

    def teardown(self) -> None:
        self.engine.dispose()

    def _closed(self) -> bool:
        return self.outcome != "pending" or self.now >= LIFETIME

    def _vote(self, verdict: str, who: str, text: str | None, digest: str) -> Any:
        ballot = records.Ballot(principal=who, verdict=verdict, reason="", at=self.now, edited=text, edited_hash=digest)
        try:
            with self.engine.begin() as conn:
                return records.vote(conn, "a" * 16, ballot).status
        except (Conflict, Forbidden) as error:
            return error


TestHeldAction = HeldAction.TestCase
TestHeldAction.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)

SCRIPT = """
import asyncio, sys
from pathlib import Path
from symbi.contracts.approvals import Approvals
from symbi.contracts.policy import PolicyRequest
from symbi.contracts.principal import Principal
from symbi.testing.kernels import open_kernel

ANN = Principal(id="user:ann", kind="user", admin=True)

async def main():
    async with open_kernel(Path(sys.argv[1]), ["symbi_approvals.plugin"]) as kernel:
        service = kernel.services.get(Approvals)
        number = 0
        while True:
            number += 1
            request = PolicyRequest(principal=Principal(id="key:x", kind="key"), action="tool_call", target="t", run_id=f"r{number}")
            held = await service.hold(request, reason="", group="ops", policy_revision="p")
            print("held", held.id, flush=True)
            await service.approve(held.id, by=ANN)
            print("approved", held.id, flush=True)

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, make_kernel: Any) -> None:
    for round_ in range(3):
        child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = [child.stdout.readline().split() for _ in range(5 + round_)]
        os.kill(child.pid, signal.SIGKILL)
        said += [line.split() for line in child.stdout.read().splitlines()]
        child.wait()
        told = {name: word for word, name in (each for each in said if len(each) == 2)}
        async with make_kernel(["symbi_approvals.plugin"]) as kernel:
            service = kernel.services.get(Approvals)
            for name, word in told.items():
                status = (await service.get(name)).status
                assert status == "approved" if word == "approved" else status in ("pending", "approved")
