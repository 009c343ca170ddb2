"""Fixtures of the store's tests: a small schema that stands for a plugin's."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from symbi.contracts.offers import Tables

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode leaves it out, and the schema is named by a string


@pytest.fixture
def store_tables() -> Sequence[Tables]:
    return (Tables(name="notes", load="store_schema:METADATA", migrations=""),)
