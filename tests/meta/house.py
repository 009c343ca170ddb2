"""What the meta tests know of the tree."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").exists())
PLUGIN_NAMES = [path.name for path in PLUGINS]


def pyproject(folder: Path) -> dict[str, Any]:
    """Return a folder's `pyproject.toml`."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def package(folder: Path) -> Path:
    """Return the package folder of a plugin."""
    return folder / "src" / f"symbi_{folder.name.replace('-', '_')}"


def sources() -> Iterator[Path]:
    """Yield every Python file that ships: core and plugins, without tests."""
    yield from sorted((ROOT / "core" / "src").rglob("*.py"))
    for folder in PLUGINS:
        yield from sorted((folder / "src").rglob("*.py"))


def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield `(line, module)` of everything that a file imports, also inside functions and for types only."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def code_lines(path: Path) -> int:
    """Return how many lines hold code: neither blank, nor comment, nor docstring."""
    module = tree(path)
    prose: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in node.body:
                if (
                    isinstance(statement, ast.Expr)
                    and isinstance(statement.value, ast.Constant)
                    and isinstance(statement.value.value, str)
                ):
                    prose.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(
        1
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.strip().startswith("#") and number not in prose
    )
