"""The skeleton that `symbi plugins new` writes."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from symbi.contracts.errors import ConfigError

__all__ = ["write_skeleton"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FILES = (
    ("pyproject.toml.txt", "pyproject.toml"),
    ("README.md.txt", "README.md"),
    ("init.py.txt", "src/{package}/__init__.py"),
    ("plugin.py.txt", "src/{package}/plugin.py"),
    ("config.py.txt", "src/{package}/config.py"),
    ("exporter.py.txt", "src/{package}/exporter.py"),
    ("test_plugin.py.txt", "tests/test_{package}.py"),
)


def write_skeleton(name: str, directory: Path) -> Path:
    """Write a new plugin below `directory` and return its folder; raises `ConfigError` for a bad name or a folder that exists."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no plugin name", hint="lower-case letters, digits and -, beginning with a letter"
        )
    folder = directory / f"symbi-{name}"
    if folder.exists():
        raise ConfigError(f"{folder} exists already", hint="choose another name or --directory")
    package = f"symbi_{name.replace('-', '_')}"
    source = resources.files("symbi.cli").joinpath("skeleton_files")
    for template, target in _FILES:
        path = folder / target.format(package=package)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = source.joinpath(template).read_text(encoding="utf-8")
        path.write_text(text.replace("@NAME@", name).replace("@PACKAGE@", package), encoding="utf-8")
    (folder / "src" / package / "py.typed").touch()
    return folder
