"""What the store refuses to open, and the sentence that says what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import Connection

from symbi.contracts.errors import ConfigError, StoreCorrupt, StoreError, StoreLocked, StoreUnavailable
from symbi.store import Store


async def test_the_second_runtime_is_told_who_holds_the_file(store: Store, store_url: str) -> None:
    with pytest.raises(StoreLocked) as refused:
        await Store.open(store_url)
    assert f"process {os.getpid()}" in refused.value.message
    assert refused.value.details == {"pid": os.getpid()}
    assert "--data-dir" in str(refused.value)
    await store.close()
    again = await Store.open(store_url)
    await again.close()


async def test_a_store_that_is_not_exclusive_may_look_on(store: Store, store_url: str) -> None:
    second = await Store.open(store_url, exclusive=False)
    assert (await second.health()).state in ("healthy", "degraded")
    await second.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "symbi.db"
    path.write_text("this is no database, " * 100)
    with pytest.raises(StoreCorrupt, match="damaged or is no SQLite database"):
        await Store.open(f"sqlite:///{path}")
    assert path.read_text().startswith("this is no database")


async def test_a_damaged_page_is_found_at_start(store: Store, store_url: str) -> None:
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 5000) SELECT i, hex(randomblob(20)) AS x FROM n"
    await store.write(lambda conn: conn.exec_driver_sql(f"CREATE TABLE t AS {rows}") and None)
    await store.close()
    path = store_url.removeprefix("sqlite:///")
    with open(path, "r+b") as file:
        file.seek(4096 * 5)
        file.write(os.urandom(4096 * 3))
    with pytest.raises(StoreCorrupt, match="restore it from a backup"):
        await Store.open(store_url)


async def test_a_check_reads_everything(store: Store) -> None:
    assert (await store.check()).state == "healthy"

    def orphan(conn: Connection) -> None:
        conn.exec_driver_sql("CREATE TABLE parts (note TEXT REFERENCES notes (id))")

    await store.write(orphan)
    path = str(store.url.path)
    with sqlite3.connect(path) as outside:  # foreign keys are off by default: what an operator's own tool may do
        outside.execute("INSERT INTO parts VALUES ('missing')")
    outside.close()
    verdict = await store.check()
    assert verdict.state == "unhealthy"
    assert "'parts' refers to a missing row of 'notes'" in verdict.reason


async def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="--data-dir"):
        await Store.open(f"sqlite:///{tmp_path}/file/symbi.db")


AS_NOBODY = """
import asyncio, os, sys
import symbi.store.sqlite, symbi.store.store
if os.getuid() == 0:
    os.setuid(65534)  # after the imports: the interpreter may be where only root may read
asyncio.run(symbi.store.store.Store.open(sys.argv[1]))
"""


def test_a_directory_without_the_right_to_write_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, f"sqlite:///{folder}/symbi.db"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "StoreUnavailable: cannot open the store" in done.stderr
    assert "--data-dir" in done.stderr


async def test_a_database_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(StoreUnavailable) as refused:
        await Store.open("postgresql://ann:geheim@127.0.0.1:1/symbi")
    assert "ann:***@127.0.0.1:1" in str(refused.value)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "symbi.db", ""])
async def test_other_addresses_are_configuration_errors(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        await Store.open(url)
    assert refused.value.path == "store.url"


async def test_files_are_private_and_relative_paths_start_at_the_base(tmp_path: Path) -> None:
    store = await Store.open("sqlite:///data/symbi.db", base=tmp_path)
    await store.upgrade([])
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "data").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    await store.close()


async def test_a_full_disk_is_an_error_and_room_again_is_recovery(store: Store) -> None:
    def fill(conn: Connection) -> None:
        conn.exec_driver_sql(
            "INSERT INTO notes (id, author, slot, body) VALUES ('big', 'x', 1, hex(zeroblob(4000000)))"
        )

    def limit(conn: Connection, pages: int) -> None:
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    await store.write(limit, 100)
    with pytest.raises(StoreError) as full:
        await store.write(fill)
    assert type(full.value).__name__ == "StoreFull"
    assert await store.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM notes").scalar()) == 0
    await store.write(limit, 100_000)
    await store.write(fill)


def test_importing_the_store_loads_no_database_library() -> None:
    code = (
        "import sys, symbi.store, symbi.store.store; assert not {'sqlalchemy', 'alembic', 'psycopg'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
