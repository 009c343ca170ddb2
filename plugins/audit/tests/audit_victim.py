"""Appends to an audit log by eight callers at once until it is killed; acknowledged numbers go to the file named first.

Forks a child for every line `DATA_DIR` on stdin, so that many kills are cheap.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cryptography.hazmat.primitives.asymmetric.ed25519  # before the fork, for speed
import cryptography.hazmat.primitives.serialization  # noqa: F401

from symbi.kernel.clock import SystemClock
from symbi_audit.config import AuditConfig
from symbi_audit.service import open_audit


async def work(data_dir: str, acknowledged: int) -> None:
    context: Any = SimpleNamespace(data_dir=Path(data_dir), clock=SystemClock())
    async with open_audit(AuditConfig(segment_bytes=64 * 1024), context) as log:
        os.write(1, b"ready\n")

        async def caller() -> None:
            while True:
                record = await log.append("test.entry", principal="user:ann", details={"padding": "x" * 300})
                os.write(acknowledged, f"{record.seq} {record.hash}\n".encode())

        await asyncio.gather(*(caller() for _ in range(8)))


def main() -> None:
    acknowledged = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(work(line.strip(), acknowledged))
            finally:
                os._exit(1)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main()
