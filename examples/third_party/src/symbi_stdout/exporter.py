"""The exporter."""

from __future__ import annotations

from contextlib import asynccontextmanager

import msgspec


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.stdout]`: what each line begins with."""

    prefix: str = ""


class Stdout:
    """Prints each snapshot as one line of JSON."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    async def export(self, snapshot) -> None:
        """Print one snapshot."""
        print(self.prefix + msgspec.json.encode(snapshot.wire()).decode(), flush=True)


@asynccontextmanager
async def open_stdout(config, context):
    """Open the exporter."""
    yield Stdout(config.prefix)
