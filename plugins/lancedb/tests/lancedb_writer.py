"""A process that writes the ids 0…N to the folder it is told, and says when each is acknowledged; the test kills or joins it."""

import asyncio
import sys
from pathlib import Path

from symbi.contracts.vectors import VectorRecord
from symbi.kernel.points import VECTOR_BACKENDS
from symbi.testing.kernels import open_kernel
from symbi.testing.vectors import a_scope, a_vector
from symbi_lancedb import plugin


async def main(own: Path, shared: str, count: int) -> None:
    tables = {"plugins": {"lancedb": {"path": shared}}}
    async with open_kernel(own, [plugin], tables=tables) as kernel, kernel.open(VECTOR_BACKENDS, "lancedb") as store:
        await store.ensure("c", dimension=16, model="m")
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(count):
            await store.upsert("c", [VectorRecord(id=f"id-{number}", vector=a_vector(number))], scope=a_scope())
            print(number, flush=True)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
