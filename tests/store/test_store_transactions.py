"""What `store.write` and `store.read` promise, on both databases."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import ResourceClosedError
from store_schema import NOTES, REMARKS

from symbi.contracts.errors import CapacityExceeded, Conflict, StoreError, StoreUnavailable
from symbi.store import Store, insert_ignore, next_seq, upsert
from symbi.testing.postgres import PrivatePostgres, find_binaries


def add(conn: Connection, id: str, **values: object) -> str:
    conn.execute(insert(NOTES), {"id": id, **values})
    return id


def count(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(NOTES)).scalar_one())


def add_then_fail(conn: Connection, id: str) -> None:
    add(conn, id)
    raise ValueError(id)


async def test_a_write_is_seen_by_the_next_read(any_store: Store) -> None:
    assert await any_store.write(add, "a", body={"x": [1, None, "ü"]}, at=1_700_000_000_000) == "a"
    row = await any_store.read(lambda conn: conn.execute(select(NOTES)).mappings().one())
    assert row["body"] == {"x": [1, None, "ü"]}
    assert row["at"] == 1_700_000_000_000


async def test_an_exception_undoes_its_own_changes_and_reaches_its_caller(any_store: Store) -> None:
    results = await asyncio.gather(
        *(any_store.write(add_then_fail if n % 3 == 0 else add, f"n{n}") for n in range(60)), return_exceptions=True
    )
    assert [str(result) for result in results] == [f"n{n}" for n in range(60)]
    assert sum(isinstance(result, ValueError) for result in results) == 20
    assert await any_store.read(count) == 40


async def test_a_duplicate_is_a_conflict_that_names_the_constraint(any_store: Store) -> None:
    await any_store.write(add, "a", author="ann", slot=1)
    with pytest.raises(Conflict) as second:
        await any_store.write(add, "b", author="ann", slot=1)
    assert second.value.error_code == "UNIQUE_VIOLATION"
    assert second.value.details == {"constraint": "one_note_per_slot", "table": "notes"}
    with pytest.raises(Conflict) as same_id:
        await any_store.write(add, "a")
    assert same_id.value.details["constraint"] == "notes_pkey"


async def test_only_the_culprit_fails_when_a_deferred_constraint_breaks_the_commit(any_store: Store) -> None:
    def remark(conn: Connection) -> None:
        conn.execute(insert(REMARKS), {"id": 1, "note": "missing"})

    results = await asyncio.gather(
        *(any_store.write(add, f"n{n}") for n in range(5)), any_store.write(remark), return_exceptions=True
    )
    assert results[:5] == [f"n{n}" for n in range(5)]
    assert isinstance(results[5], Conflict)
    assert results[5].error_code == "FOREIGN_KEY_VIOLATION"
    assert await any_store.read(count) == 5


async def test_a_reader_cannot_write(any_store: Store) -> None:
    with pytest.raises(StoreError):
        await any_store.read(add, "a")
    assert await any_store.read(count) == 0


async def test_a_reader_sees_one_snapshot(any_store: Store) -> None:
    loop = asyncio.get_running_loop()

    def twice(conn: Connection) -> tuple[int, int]:
        before = count(conn)
        asyncio.run_coroutine_threadsafe(any_store.write(add, "between"), loop).result(10)
        return before, count(conn)

    assert await any_store.read(twice) == (0, 0)
    assert await any_store.read(count) == 1


async def test_competing_read_modify_writes_lose_no_update(any_store: Store) -> None:
    await any_store.write(add, "sum", slot=0)

    def increment(conn: Connection) -> None:
        slot = conn.execute(select(NOTES.c.slot).where(NOTES.c.id == "sum")).scalar_one()
        conn.execute(update(NOTES).where(NOTES.c.id == "sum").values(slot=slot + 1))

    await asyncio.gather(*(any_store.write(increment) for _ in range(20)))
    assert await any_store.read(lambda conn: conn.execute(select(NOTES.c.slot)).scalar_one()) == 20


async def test_a_cancelled_caller_breaks_nobody_elses_write(any_store: Store) -> None:
    tasks = [asyncio.ensure_future(any_store.write(add, f"n{n}")) for n in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    kept = [result for result in results if isinstance(result, str)]
    assert {tasks[n].result() for n in range(1, 50, 2)} <= set(kept)
    assert await any_store.read(count) >= 25


async def test_a_function_may_use_its_own_savepoints(any_store: Store) -> None:
    def careful(conn: Connection) -> None:
        add(conn, "kept")
        with pytest.raises(ValueError, match="lost"), conn.begin_nested():
            add_then_fail(conn, "lost")

    await asyncio.gather(any_store.write(careful), any_store.write(add, "other"))
    assert await any_store.read(count) == 2


async def test_upsert_insert_ignore_and_next_seq(any_store: Store) -> None:
    def work(conn: Connection) -> list[int]:
        rows = [{"id": "a", "author": "x", "slot": 1}, {"id": "b", "author": "x", "slot": 2}]
        first = insert_ignore(conn, NOTES, rows, key=["id"])
        again = insert_ignore(conn, NOTES, rows, key=["id"])
        upsert(conn, NOTES, [{"id": "a", "author": "y", "slot": 7}, {"id": "c", "author": "z", "slot": 3}], key=["id"])
        upsert(conn, NOTES, {"id": "b", "author": "nobody", "slot": 9}, key=["id"], update=["slot"])
        return [
            first,
            again,
            next_seq(conn, NOTES.c.slot, NOTES.c.author == "x"),
            next_seq(conn, NOTES.c.slot, NOTES.c.author == "?"),
        ]

    assert await any_store.write(work) == [2, 0, 10, 1]
    rows = await any_store.read(
        lambda conn: conn.execute(select(NOTES.c.id, NOTES.c.author, NOTES.c.slot).order_by(NOTES.c.id)).all()
    )
    assert [tuple(row) for row in rows] == [("a", "y", 7), ("b", "x", 9), ("c", "z", 3)]


async def test_health_and_close(any_store: Store) -> None:
    health = await any_store.health()
    assert health.state == "healthy"
    assert health.figures["pending_writes"] >= 0
    await any_store.close()
    await any_store.close()
    assert (await any_store.health()).state == "unhealthy"
    with pytest.raises(StoreUnavailable):
        await any_store.write(add, "late")
    with pytest.raises(StoreUnavailable):
        await any_store.read(count)


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_function_that_ends_the_transaction_itself_fails_alone(store: Store, end: str) -> None:
    def rogue(conn: Connection) -> None:
        add(conn, "rogue")
        getattr(conn, end)()

    results = await asyncio.gather(
        store.write(add, "a"), store.write(rogue), store.write(add, "b"), return_exceptions=True
    )
    assert results[0] == "a"
    assert results[2] == "b"
    assert isinstance(results[1], StoreError)
    assert "must not commit" in str(results[1])
    assert await store.read(count) == 2


async def test_a_wrong_statement_is_a_store_error(any_store: Store) -> None:
    with pytest.raises(StoreError):
        await any_store.write(lambda conn: conn.execute(text("SELECT nonsense FROM nowhere")))
    with pytest.raises(StoreError):
        await any_store.read(lambda conn: conn.execute(text("SELECT nonsense FROM nowhere")))


async def test_a_function_that_leaves_a_savepoint_open_fails_alone(store: Store) -> None:
    def careless(conn: Connection) -> None:
        conn.begin_nested()
        add(conn, "careless")

    results = await asyncio.gather(
        store.write(add, "a"), store.write(careless), store.write(add, "b"), return_exceptions=True
    )
    assert (results[0], results[2]) == ("a", "b")
    assert "left a savepoint open" in str(results[1])
    with pytest.raises(StoreError, match="left a savepoint open"):
        await store.write(careless)
    assert await store.read(count) == 2


async def test_an_open_result_holds_nothing_up(any_store: Store) -> None:
    await any_store.write(add, "a")
    for call in (any_store.write, any_store.read):
        result = await call(lambda conn: conn.execute(select(NOTES)))
        with pytest.raises(ResourceClosedError):
            result.all()
    assert (await any_store.write(lambda conn: conn.execute(update(NOTES).values(slot=4)))).rowcount == 1


async def test_a_queue_without_end_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.backend._writer, "_max_pending", 5)  # type: ignore[union-attr]
    results = await asyncio.gather(*(store.write(add, f"n{n}") for n in range(2000)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, CapacityExceeded)]
    assert refused
    assert await store.read(count) == 2000 - len(refused)


async def test_a_server_that_comes_back_is_used_again() -> None:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    server = PrivatePostgres(binaries)
    try:
        server.start()
        store = await Store.open(server.url())
        assert await store.write(lambda conn: conn.exec_driver_sql("SELECT 1").scalar()) == 1
        server.stop("immediate")
        for call in (store.write, store.read):
            with pytest.raises(StoreUnavailable):
                await call(lambda conn: conn.exec_driver_sql("SELECT 1").scalar())
        assert (await store.health()).state == "unhealthy"
        server.resume()
        assert await store.write(lambda conn: conn.exec_driver_sql("SELECT 1").scalar()) == 1
        await store.close()
    finally:
        server.remove()
