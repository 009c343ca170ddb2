"""The built-in backend passes the contract on PostgreSQL too."""

from __future__ import annotations

import pytest

from symbi.testing.vectors import VectorStoreContract
from symbi_sqlitevec import plugin


@pytest.mark.postgres
class TestOnPostgres(VectorStoreContract):
    plugin = plugin
    name = "sqlitevec"

    @pytest.fixture(autouse=True)
    def _database(self, postgres_url):
        self.tables = {"store": {"url": postgres_url}}
