"""The contract, for the real log and for the one in memory that other tests use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from symbi.contracts.audit import AuditFailed, AuditLog
from symbi.testing.audit import AuditLogContract, MemoryAuditLog
from symbi_audit.service import AuditService


class TestAuditPlugin(AuditLogContract):
    @pytest.fixture
    async def audit_log(
        self, open_log: Callable[..., AbstractAsyncContextManager[AuditService]]
    ) -> AsyncIterator[AuditLog]:
        async with open_log() as log:
            yield log


class TestMemoryAuditLog(AuditLogContract):
    @pytest.fixture
    def audit_log(self) -> AuditLog:
        return MemoryAuditLog()

    async def test_a_full_one_refuses(self) -> None:
        log = MemoryAuditLog()
        log.full = True
        with pytest.raises(AuditFailed):
            await log.append("test.entry", principal="x")
