"""The built-in backend passes the contract that ships, on SQLite; and is one transaction with its caller's rows."""

from __future__ import annotations

from symbi.testing.declarations import DeclarationContract
from symbi.testing.vectors import VectorStoreContract
from symbi_sqlitevec import plugin


class TestDeclarations(DeclarationContract):
    plugin = plugin


class TestContract(VectorStoreContract):
    plugin = plugin
    name = "sqlitevec"


class TestContractWithoutMemory(VectorStoreContract):
    """No cache to speak of: every owner is read anew."""

    plugin = plugin
    name = "sqlitevec"
    tables = {"plugins": {"sqlitevec": {"cache_bytes": 1}}}
