"""Argon2id over key secrets, in a few threads of its own so that the event loop never waits for one."""

from __future__ import annotations

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from symbi.contracts.errors import RateLimited

__all__ = ["DUMMY_HASH", "Hasher", "hash_secret", "new_secret", "verify_secret"]

MEMORY_KIB, PASSES, LANES = 19456, 2, 1
DUMMY_HASH = "dummy"


def new_secret() -> str:
    """Return 256 random bits as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return the PHC string of a secret: Argon2id v1.3, m=19456 KiB, t=2, p=1, 16 random bytes of salt (A-23)."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(
        salt=os.urandom(16), length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB
    ).derive_phc_encoded(secret.encode())


def verify_secret(secret: bytes, phc: str) -> bool:
    """Tell whether the secret has this hash; a hash that cannot be read matches nothing. Takes about 80 ms."""
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(secret, _dummy() if phc == DUMMY_HASH else phc)
    except (InvalidKey, ValueError):
        return False
    return phc != DUMMY_HASH


class Hasher:
    """Verifies off the event loop, two at a time; where too many wait already, the next one is sent away."""

    def __init__(self, *, threads: int = 2, most_waiting: int = 32) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="symbi-argon2")
        self._room = most_waiting

    async def verify(self, secret: bytes, phc: str) -> bool:
        """Tell whether the secret has this hash; raises `RateLimited` where the queue is full."""
        if self._room <= 0:
            raise RateLimited("Too many keys are being checked.", retry_after=1)
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, verify_secret, secret, phc)
        finally:
            self._room += 1


@cache
def _dummy() -> str:
    return hash_secret(new_secret())
