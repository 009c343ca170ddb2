"""The toolsets that ship pass the contract that ships."""

from __future__ import annotations

from symbi.testing.declarations import DeclarationContract
from symbi.testing.tools import ToolsetContract
from symbi_tools import plugin


class TestDeclarations(DeclarationContract):
    plugin = plugin


class TestBasic(ToolsetContract):
    plugin = plugin
    name = "basic"
    calls = (("clock", {}), ("json_parse", {"text": "[1]"}), ("json_get", {"value": [1], "pointer": "/0"}))


class TestFiles(ToolsetContract):
    plugin = plugin
    name = "files"
    calls = (("write_file", {"path": "a", "content": "b"}), ("read_file", {"path": "a"}), ("list_files", {}))


class TestHttp(ToolsetContract):
    plugin = plugin
    name = "http"


class TestManifests(ToolsetContract):
    plugin = plugin
    name = "manifests"
