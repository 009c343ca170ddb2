"""The target `stdout`: one JSON line for each result on the server's standard output."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from symbi.contracts.delivery import Delivery, DeliveryOutcome
from symbi.kernel.context import PluginContext
from symbi_deliver.config import StdoutConfig

__all__ = ["Stdout", "open_stdout"]


class Stdout:
    """Implements `Target`."""

    async def deliver(self, delivery: Delivery) -> DeliveryOutcome:
        """Print the result."""
        try:
            sys.stdout.write(msgspec.json.encode(delivery).decode() + "\n")
            sys.stdout.flush()
        except (OSError, ValueError) as error:
            return DeliveryOutcome(delivered=False, error=f"standard output: {type(error).__name__}")
        return DeliveryOutcome(delivered=True)


@asynccontextmanager
async def open_stdout(_config: StdoutConfig, _context: PluginContext) -> AsyncIterator[Stdout]:
    """Open the target."""
    yield Stdout()
