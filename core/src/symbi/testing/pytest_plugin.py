"""The pytest plugin `symbi`: fixtures for the authors of plugins. Importing it is cheap; each fixture imports what it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from symbi.testing.store import any_store, postgres_server, postgres_store, postgres_url, store, store_tables, store_url

if TYPE_CHECKING:
    from symbi.kernel.kernel import Kernel
    from symbi.testing.apps import App
    from symbi.testing.clock import FakeClock, FakeIds
    from symbi.testing.distributions import FakeDistribution

__all__ = ["any_store", "postgres_server", "postgres_store", "postgres_url", "store", "store_tables", "store_url"]


@pytest.fixture
def fake_clock() -> FakeClock:
    """Give a clock that stands still until the test moves it."""
    from symbi.testing.clock import FakeClock

    return FakeClock()


@pytest.fixture
def fake_ids() -> FakeIds:
    """Give identifiers that count up."""
    from symbi.testing.clock import FakeIds

    return FakeIds()


@pytest.fixture
def fake_distribution(tmp_path: Path) -> Iterator[FakeDistribution]:
    """Give a folder on `sys.path` into which a test writes installed plugins."""
    from symbi.testing.distributions import FakeDistribution

    folder = tmp_path / "site"
    folder.mkdir()
    with FakeDistribution(folder).on_path() as fake:
        yield fake


@pytest.fixture
def make_kernel(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Kernel]]:
    """Give `make_kernel(plugins, tables=…, environ=…, clock=…)`, an async context manager of a kernel below the test's folder."""
    from symbi.testing.kernels import open_kernel

    def make(plugins: Any = (), **options: Any) -> AbstractAsyncContextManager[Kernel]:
        return open_kernel(tmp_path, plugins, **options)

    return make


@pytest.fixture
def make_app(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[App]]:
    """Give `make_app(plugins, tables=…, environ=…, clock=…)`, an async context manager of the HTTP application with its clients."""
    from symbi.testing.apps import open_app

    def make(plugins: Any = (), **options: Any) -> AbstractAsyncContextManager[App]:
        return open_app(tmp_path, plugins, **options)

    return make


@pytest.fixture
async def bare_kernel(tmp_path: Path) -> AsyncIterator[Kernel]:
    """Give an open kernel with no plugin at all."""
    from symbi.testing.kernels import open_kernel

    async with open_kernel(tmp_path) as kernel:
        yield kernel
