"""The contract of toolsets: subclass it with `plugin` and `name`, and give `calls` to be tried."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from symbi.contracts.errors import SymbiError
from symbi.kernel.points import TOOLS
from symbi.testing.effects import effect_context
from symbi.testing.kernels import open_kernel

__all__ = ["ToolsetContract"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")


class ToolsetContract:
    """What every toolset must do."""

    plugin: Any
    """The plugin module."""
    name: str
    """The toolset's name."""
    tables: Mapping[str, Any] = {}
    """Settings, as in `symbi.toml`."""
    calls: Sequence[tuple[str, dict[str, Any]]] = ()
    """Calls that succeed."""

    async def test_its_tools_are_described(self, tmp_path: Path) -> None:
        """Every tool has a usable name of its own, a description and a JSON Schema of type object."""
        async with (
            open_kernel(tmp_path, [self.plugin], tables=self.tables) as kernel,
            kernel.open(TOOLS, self.name) as provider,
        ):
            specs = await provider.tools()
            assert len({spec.name for spec in specs}) == len(specs)
            for spec in specs:
                assert _NAME.fullmatch(spec.name), spec.name
                assert spec.description, spec.name
                assert spec.parameters.get("type") == "object", spec.name
                assert spec.timeout_seconds > 0, spec.name
                msgspec.json.encode(spec)

    async def test_good_calls_answer_json(self, tmp_path: Path) -> None:
        """The value of a call can be written as JSON."""
        async with (
            open_kernel(tmp_path, [self.plugin], tables=self.tables) as kernel,
            kernel.open(TOOLS, self.name) as provider,
        ):
            for tool, arguments in self.calls:
                msgspec.json.encode(await provider.call(tool, arguments, run=effect_context(tmp_path)))

    async def test_an_unknown_tool_is_an_error_of_ours(self, tmp_path: Path) -> None:
        """A name that the toolset does not have raises, and changes nothing."""
        async with (
            open_kernel(tmp_path, [self.plugin], tables=self.tables) as kernel,
            kernel.open(TOOLS, self.name) as provider,
        ):
            with pytest.raises((SymbiError, KeyError)):
                await provider.call("surely-no-such-tool", {}, run=effect_context(tmp_path))
