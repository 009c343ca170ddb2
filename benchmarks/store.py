"""How many durable writes the store takes, beside bare `sqlite3` with one commit a row on the same disk in the same run.

`python -m benchmarks.store [--seconds 2] [--postgres] [--json]`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table, insert

from symbi.contracts.offers import Tables
from symbi.store.store import Store
from symbi.testing.postgres import PrivatePostgres, find_binaries

METADATA = MetaData()
ROWS = Table("rows", METADATA, Column("id", String(64), primary_key=True), Column("body", String(200)))
BODY = "x" * 120
CLIENTS = 32


def add(conn: Connection, id: str) -> None:
    conn.execute(insert(ROWS), {"id": id, "body": BODY})


def add_many(conn: Connection, count: int) -> None:
    conn.execute(insert(ROWS), [{"id": f"many-{number}", "body": BODY} for number in range(count)])


def bare_sqlite(folder: Path, seconds: float) -> float:
    """One row, one commit, WAL and synchronous=FULL; rows a second."""
    conn = sqlite3.connect(folder / "bare.db", isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE rows (id TEXT PRIMARY KEY, body TEXT)")
    count, until = 0, time.perf_counter() + seconds
    started = time.perf_counter()
    while time.perf_counter() < until:
        conn.execute("INSERT INTO rows VALUES (?, ?)", (str(count), BODY))
        count += 1
    conn.close()
    return count / (time.perf_counter() - started)


async def clients(store: Store, number: int, seconds: float) -> tuple[float, float]:
    """Return writes a second by `number` callers, and the 99th percentile of a write's time in milliseconds."""
    until = time.perf_counter() + seconds
    times: list[float] = []

    async def client(name: int) -> None:
        count = 0
        while (begun := time.perf_counter()) < until:
            await store.write(add, f"{number}-{name}-{count}")
            times.append(time.perf_counter() - begun)
            count += 1

    started = time.perf_counter()
    await asyncio.gather(*(client(name) for name in range(number)))
    rate = len(times) / (time.perf_counter() - started)
    return rate, sorted(times)[int(len(times) * 0.99)] * 1000


async def measure(url: str, seconds: float) -> dict[str, Any]:
    started = time.perf_counter()
    store = await Store.open(url)
    await store.upgrade([Tables(name="rows", load=METADATA, migrations="")])
    opened = time.perf_counter() - started
    alone, alone_p99 = await clients(store, 1, seconds)
    together, together_p99 = await clients(store, CLIENTS, seconds)
    started = time.perf_counter()
    await store.write(add_many, 100_000)
    batch = time.perf_counter() - started
    started = time.perf_counter()
    for _ in range(500):
        await store.read(lambda conn: conn.exec_driver_sql("SELECT body FROM rows WHERE id = 'many-77'").scalar())
    reads = 500 / (time.perf_counter() - started)
    await store.close()
    return {
        "open_and_upgrade_ms": opened * 1000,
        "writes_per_s_1_client": alone,
        "write_p99_ms_1_client": alone_p99,
        f"writes_per_s_{CLIENTS}_clients": together,
        f"write_p99_ms_{CLIENTS}_clients": together_p99,
        "batch_of_100000_s": batch,
        "reads_per_s_1_client": reads,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = bare_sqlite(folder, options.seconds)
        (folder / "bare.db").unlink()
        found["sqlite"] = asyncio.run(measure(f"sqlite:///{folder}/symbi.db", options.seconds))
        bare = (before + bare_sqlite(folder, options.seconds)) / 2
        found["bare_sqlite3_writes_per_s"] = bare
        found["ratio_to_bare_sqlite3"] = found["sqlite"][f"writes_per_s_{CLIENTS}_clients"] / bare
    binaries = find_binaries() if options.postgres else None
    if binaries is not None:
        server = PrivatePostgres(binaries, durable=True)
        try:
            server.start()
            found["postgresql"] = asyncio.run(measure(server.url(), options.seconds))
        finally:
            server.remove()
    report(found, as_json=options.json)


def report(found: dict[str, Any], *, as_json: bool) -> None:
    """Print the figures: one JSON document, or a line each."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    show: Callable[[str, Any], None] = lambda name, value: print(f"{name:45} {value:12,.2f}")  # noqa: E731
    for name, value in found.items():
        if isinstance(value, dict):
            for inner, figure in value.items():
                show(f"{name}.{inner}", figure)
        else:
            show(name, value)


if __name__ == "__main__":
    main()
