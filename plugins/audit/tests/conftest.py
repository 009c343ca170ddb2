"""A log to write to and to tamper with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from symbi.kernel.clock import SystemClock
from symbi_audit.config import AuditConfig, AuditPlaces
from symbi_audit.service import AuditService, open_audit

OpenLog = Callable[..., AbstractAsyncContextManager[AuditService]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def places(data_dir: Path) -> AuditPlaces:
    return AuditConfig().places(data_dir)


@pytest.fixture
def open_log(data_dir: Path) -> OpenLog:
    """`async with open_log(strict=False, …) as log`: the service on the test's data directory."""

    @asynccontextmanager
    async def open_(**settings: Any) -> AsyncIterator[AuditService]:
        context: Any = SimpleNamespace(data_dir=data_dir, clock=SystemClock())
        async with open_audit(AuditConfig(**settings), context) as log:
            yield log

    return open_
