"""A writer to be killed: forks a child for every line `URL ROUND` on stdin, prints its pid, and waits for its end.

The child writes pairs of rows by 16 callers at once and appends the id to the file of acknowledgements after each answer.
Forking one prepared process makes a kill cost milliseconds, so that a test can afford many.
"""

from __future__ import annotations

import asyncio
import os
import sys

from sqlalchemy import Connection, insert
from store_schema import NOTES, REMARKS

from symbi.contracts.offers import Tables
from symbi.store.store import Store

CALLERS = 16


def pair(conn: Connection, id: str, number: int) -> None:
    conn.execute(insert(NOTES), {"id": id, "author": id, "slot": number})
    conn.execute(insert(REMARKS), {"id": number, "note": id})


async def work(url: str, round_: int, acknowledged: int) -> None:
    store = await Store.open(url)
    await store.upgrade([Tables(name="notes", load="store_schema:METADATA", migrations="")])
    os.write(1, b"ready\n")

    async def caller(name: int) -> None:
        for count in range(100_000):
            id = f"{round_}-{name}-{count}"
            await store.write(pair, id, (round_ * CALLERS + name) * 100_000 + count)
            os.write(acknowledged, f"{id}\n".encode())

    await asyncio.gather(*(caller(name) for name in range(CALLERS)))


def main() -> None:
    acknowledged = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for line in sys.stdin:
        url, round_ = line.split()
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(work(url, int(round_), acknowledged))
            finally:
                os._exit(1)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


if __name__ == "__main__":
    main()
