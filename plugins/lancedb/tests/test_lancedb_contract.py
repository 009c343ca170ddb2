"""LanceDB passes the contract that ships, and what is its own: indexes, two processes, one optimizer, a lazy import."""

from __future__ import annotations

from symbi.testing.declarations import DeclarationContract
from symbi.testing.vectors import VectorStoreContract
from symbi_lancedb import plugin


class TestDeclarations(DeclarationContract):
    plugin = plugin


class TestContract(VectorStoreContract):
    plugin = plugin
    name = "lancedb"
