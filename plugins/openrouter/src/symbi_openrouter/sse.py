"""Reads server-sent events: comments dropped, data lines of one event joined, sizes bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator

from symbi.contracts.models import ModelError

__all__ = ["data_of"]

MOST_BYTES = 8 * 1024 * 1024


async def data_of(chunks: AsyncIterator[bytes], *, most_bytes: int = MOST_BYTES) -> AsyncIterator[bytes]:
    """Yield the data of each event; lines end at LF or CR LF alone, since JSON may hold other separators (WHATWG HTML §9.2).

    Raises `ModelError` for an event, or a line, of more than `most_bytes`.
    """
    buffer = bytearray()
    data: list[bytes] = []
    size = 0
    async for chunk in chunks:
        buffer += chunk
        *lines, rest = bytes(buffer).split(b"\n")
        buffer = bytearray(rest)
        for line in lines:
            line = line.removesuffix(b"\r")
            if not line:
                if data:
                    yield b"\n".join(data)
                data, size = [], 0
            elif line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
                size += len(line)
        if size + len(buffer) > most_bytes:
            raise ModelError(f"the model sent more than {most_bytes} bytes in one event", code="MODEL_ANSWER_TOO_LARGE")
    if data:
        yield b"\n".join(data)
