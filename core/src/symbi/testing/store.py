"""Fixtures for tests that need a real store: on SQLite, on PostgreSQL, or on each in turn.

They are asynchronous fixtures: pytest-asyncio in its mode `auto` runs them. A test folder says which tables it needs by overriding
`store_tables`; the stores come with those tables made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from symbi.contracts.offers import Tables
from symbi.store.store import Store
from symbi.testing.postgres import PrivatePostgres, find_binaries

__all__ = ["any_store", "postgres_server", "postgres_store", "postgres_url", "store", "store_tables", "store_url"]


@pytest.fixture
def store_tables() -> Sequence[Tables]:
    """The tables that the store fixtures make; none, unless overridden."""
    return ()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PrivatePostgres]:
    """A PostgreSQL server for the whole session; the test is skipped where PostgreSQL is not installed."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = PrivatePostgres(binaries)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres_server: PrivatePostgres) -> str:
    """The URL of an empty database of its own."""
    return postgres_server.url()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/symbi.db"


@pytest.fixture
async def store(store_url: str, store_tables: Sequence[Tables]) -> AsyncIterator[Store]:
    """An open store on a SQLite file, with the tables of `store_tables`."""
    opened = await Store.open(store_url)
    await opened.upgrade(store_tables)
    yield opened
    await opened.close()


@pytest.fixture
async def postgres_store(postgres_url: str, store_tables: Sequence[Tables]) -> AsyncIterator[Store]:
    """An open store on PostgreSQL, with the tables of `store_tables`."""
    opened = await Store.open(postgres_url)
    await opened.upgrade(store_tables)
    yield opened
    await opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_store(
    request: pytest.FixtureRequest, store_url: str, store_tables: Sequence[Tables]
) -> AsyncIterator[Store]:
    """The same test on SQLite and on PostgreSQL."""
    url = store_url if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = await Store.open(url)
    await opened.upgrade(store_tables)
    yield opened
    await opened.close()
