"""The review contract, kept by the static analyzer in its confined child."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from symbi.testing.review import ReviewAnalyzerContract
from symbi_static.config import StaticConfig
from symbi_static.provider import StaticAnalyzer, open_analyzer


class TestStatic(ReviewAnalyzerContract):
    @pytest.fixture
    async def analyzer(self) -> AsyncIterator[StaticAnalyzer]:
        async with open_analyzer(StaticConfig(children=1), None) as analyzer:
            yield analyzer
