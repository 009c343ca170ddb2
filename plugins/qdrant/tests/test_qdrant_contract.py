"""Qdrant's local modes pass the contract that ships: they are the same client as a server's."""

from __future__ import annotations

from symbi.testing.declarations import DeclarationContract
from symbi.testing.vectors import VectorStoreContract
from symbi_qdrant import plugin


class TestDeclarations(DeclarationContract):
    plugin = plugin


class TestMemory(VectorStoreContract):
    plugin = plugin
    name = "qdrant"
    tables = {"plugins": {"qdrant": {"path": ":memory:"}}}
    durable = False


class TestFolder(VectorStoreContract):
    plugin = plugin
    name = "qdrant"

    def opened(self, folder):
        self.tables = {"plugins": {"qdrant": {"path": str(folder / "points")}}}
        return super().opened(folder)
