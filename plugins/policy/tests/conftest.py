"""A gate over the reference engine, with an audit log and approvals that tests can look into."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from symbi import Service, hookimpl
from symbi.contracts.approvals import Approval
from symbi.contracts.audit import AuditFailed
from symbi.contracts.policy import Gate, PolicyRequest, action_hash
from symbi.contracts.policy_engines import PolicyEngineOffer
from symbi.testing.policy import ReferenceEngine, Rule


class FakeAudit:
    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.broken = False

    async def append(self, kind: str, **fields: Any) -> None:
        if self.broken:
            raise AuditFailed("disk full")
        self.records.append({"kind": kind, **fields})

    async def read(self, **_: Any) -> list[Any]:
        return []

    async def verify(self) -> None:
        return None


class FakeApprovals:
    """Keeps one approval for each hold; a test resolves it by hand."""

    def __init__(self) -> None:
        self.held: dict[str, Approval] = {}
        self.edited: dict[str, Any] = {}

    async def hold(
        self, request: PolicyRequest, *, reason: str, group: str, policy_revision: str, **_: Any
    ) -> Approval:
        approval = Approval(
            id=f"{len(self.held):016x}", agent_id="", run_id=request.run_id, kind="tool_call", action=request.action,
            target=request.target, summary="", reason=reason, group=group, status="pending", created_at="", expires_at="",
            action_hash=action_hash(request), policy_revision=policy_revision,
            agent_revision=request.agent.revision if request.agent else "", requested_by=request.principal.id,
        )  # fmt: skip
        self.held[approval.id] = approval
        return approval

    def resolve(self, approval_id: str, status: str, **changes: Any) -> None:
        self.held[approval_id] = msgspec.structs.replace(self.held[approval_id], status=status, **changes)

    async def get(self, approval_id: str) -> Approval:
        return self.held[approval_id]

    async def arguments_of(self, approval_id: str) -> Any:
        return self.edited.get(approval_id, msgspec.UNSET)


class Surroundings:
    """A plugin that offers the reference engine, the fake log and the fake approvals."""

    __name__ = "surroundings"

    def __init__(self, *, approvals: bool = True, audit: bool = True) -> None:
        self.audit = FakeAudit()
        self.approvals = FakeApprovals()
        self._audit, self._approvals = audit, approvals

    @hookimpl
    def policy_engines(self) -> Iterable[PolicyEngineOffer]:
        yield PolicyEngineOffer(name="reference", open=self._give(lambda: ReferenceEngine()), suffixes=(".json",))

    @hookimpl
    def services(self) -> Iterable[Service]:
        if self._audit:
            yield Service(name="log", provides="symbi.contracts.audit:AuditLog", open=self._give(lambda: self.audit))
        if self._approvals:
            yield Service(
                name="held", provides="symbi.contracts.approvals:Approvals", open=self._give(lambda: self.approvals)
            )

    @staticmethod
    def _give(make: Callable[[], Any]) -> Callable[..., AbstractAsyncContextManager[Any]]:
        @asynccontextmanager
        async def opened(_config: Any, _context: Any) -> AsyncIterator[Any]:
            yield make()

        return opened


class House:
    """A gate with everything round it."""

    def __init__(self, gate: Any, around: Surroundings, kernel: Any, directory: Path) -> None:
        self.gate = gate
        self.audit = around.audit
        self.approvals = around.approvals
        self.kernel = kernel
        self.directory = directory

    def write(self, *rules: Rule, name: str = "rules.json", layer: str = "") -> None:
        write_rules(self.directory / layer / name, rules)


def write_rules(file: Path, rules: Sequence[Rule], *, active: bool = True) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    entry = {"name": file.stem, "source": msgspec.json.encode(list(rules)).decode(), "active": active}
    file.write_bytes(msgspec.json.encode([entry]))


@pytest.fixture
def house(tmp_path: Path, make_kernel: Any) -> Callable[..., AbstractAsyncContextManager[House]]:
    """Give `house(*rules, policy={…}, environ={…}, approvals=True, audit=True)`."""

    @asynccontextmanager
    async def build(
        *rules: Rule, policy: dict[str, Any] | None = None, environ: Any = None, clock: Any = None, **around: bool
    ) -> AsyncIterator[House]:
        directory = tmp_path / "policies"
        if rules:
            write_rules(directory / "rules.json", rules)
        surroundings = Surroundings(**around)
        table = {"engine": "reference", "directory": str(directory), "watch": False, **(policy or {})}
        plugins = ["symbi_policy.plugin", surroundings]
        async with make_kernel(plugins, tables={"policy": table}, environ=environ, clock=clock) as kernel:
            yield House(kernel.services.get(Gate), surroundings, kernel, directory)

    return build


@pytest.fixture
def surroundings() -> type[Surroundings]:
    """Give the plugin that stands in for everything round the gate."""
    return Surroundings


@pytest.fixture
def put_rules() -> Callable[[Path, Sequence[Rule]], None]:
    """Give `put_rules(file, rules)`, which writes a policy file of the reference engine."""
    return write_rules
