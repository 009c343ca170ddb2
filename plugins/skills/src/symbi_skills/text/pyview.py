"""What Python code calls once constants are computed, names followed and imports resolved; nothing of it is executed."""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import warnings
from collections.abc import Iterator

__all__ = ["python_view"]

_MAX_SOURCE = 2 << 20
_MAX_TEXT = 20_000
_MAX_DEPTH = 6
_SHELLS = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "commands.getoutput",
    "asyncio.create_subprocess_shell",
}
_RUNNERS = {
    "subprocess.run",
    "subprocess.call",
    "subprocess.Popen",
    "subprocess.check_output",
    "subprocess.check_call",
    "pty.spawn",
    "os.execv",
    "os.execvp",
    "os.execl",
    "os.execlp",
    "os.spawnl",
}
_DECODERS = {
    "base64.b64decode": base64.b64decode,
    "base64.b32decode": base64.b32decode,
    "base64.b85decode": base64.b85decode,
    "base64.b16decode": base64.b16decode,
    "binascii.unhexlify": binascii.unhexlify,
    "bytes.fromhex": bytes.fromhex,
}
Constant = str | bytes | int


def python_view(source: str, wanted: set[int], *, prelude: str = "") -> Iterator[tuple[int, str]] | None:
    """Return 0-based line and text of calls and computed strings, or None for a source that does not parse.

    Only expressions on one of the `wanted` lines are shown. `prelude` holds imports and constants that the source may use; it gives no lines.
    """
    if len(source) > _MAX_SOURCE:
        return None
    tree = _parsed(source)
    return None if tree is None else _Reader(tree, _parsed(prelude) if prelude else None, wanted).lines()


def _parsed(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Reader:
    def __init__(self, tree: ast.Module, prelude: ast.Module | None, wanted: set[int]) -> None:
        self._wanted = wanted
        self.nodes = list(ast.walk(tree))
        self.names: dict[str, str] = {}
        self.values: dict[str, ast.expr] = {}
        self._learn([*(ast.walk(prelude) if prelude else ()), *self.nodes])

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield what `calls` yields; an expression too deep to follow ends it."""
        try:
            yield from self.calls()
        except RecursionError:
            return

    def _learn(self, nodes: list[ast.AST]) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                self.names.update({alias.asname: alias.name for alias in node.names if alias.asname})
            elif isinstance(node, ast.ImportFrom) and node.module:
                self.names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.values[node.targets[0].id] = node.value
            elif isinstance(node, ast.NamedExpr):
                self.values[node.target.id] = node.value

    def calls(self) -> Iterator[tuple[int, str]]:
        for node in self.nodes:
            if not isinstance(node, ast.Call | ast.BinOp | ast.JoinedStr) or self._wanted.isdisjoint(
                range(node.lineno - 1, (node.end_lineno or node.lineno))
            ):
                continue
            if isinstance(node, ast.Call):
                yield from self.call_lines(node)
            elif isinstance(node, ast.BinOp | ast.JoinedStr):
                text = self.constant(node)
                if isinstance(text, str) and len(text) > 3:
                    yield node.lineno - 1, text

    def call_lines(self, node: ast.Call) -> Iterator[tuple[int, str]]:
        name = self.callee(node.func)
        line = node.lineno - 1
        if name in _SHELLS | _RUNNERS and node.args:
            yield (
                line,
                self.command(
                    node.args[0]
                    if len(node.args) == 1
                    else ast.List(elts=node.args)
                    if name.startswith("os.")
                    else node.args[0]
                ),
            )
        text = self.render(node, 0)
        if len(text) <= _MAX_TEXT:
            yield line, text
        decoded = self.constant(node)
        if isinstance(decoded, bytes):
            decoded = decoded.decode("utf-8", "replace")
        if isinstance(decoded, str) and len(decoded) > 3:
            for part in decoded.split("\n")[:1000]:
                yield line, part

    def command(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name) and node.id in self.values:
            node = self.values[node.id]
        if isinstance(node, ast.List | ast.Tuple):
            return " ".join(self.bare(item) for item in node.elts)
        return self.bare(node)

    def bare(self, node: ast.expr) -> str:
        value = self.constant(node)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return str(value) if value is not None else self.render(node, 1)

    def callee(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return self.names.get(node.id) or (
                self.callee(self.values[node.id]) if isinstance(self.values.get(node.id), ast.Attribute) else node.id
            )
        if isinstance(node, ast.Attribute):
            return f"{self.callee(node.value)}.{node.attr}"
        if isinstance(node, ast.Call):
            inner = self.callee(node.func)
            args = [self.constant(argument) for argument in node.args]
            if inner in ("__import__", "importlib.import_module") and args and isinstance(args[0], str):
                return args[0]
            if inner.removeprefix("builtins.") == "getattr" and len(args) >= 2 and isinstance(args[1], str):
                owner = self.callee(node.args[0])
                return args[1] if owner in ("__builtins__", "builtins") else f"{owner}.{args[1]}"
            return f"{inner}()"
        return ""

    def render(self, node: ast.AST, depth: int) -> str:
        """Return the expression as text, with names replaced by what they were given."""
        if depth > _MAX_DEPTH:
            return "..."
        if isinstance(node, ast.Name) and self.decodes(self.values.get(node.id)):
            return self.render(self.values[node.id], depth + 1)
        if isinstance(node, ast.expr) and not self.decodes(node):
            value = self.constant(node)
            if isinstance(value, str | bytes):
                return repr(value)[:_MAX_TEXT]
        if isinstance(node, ast.Call):
            arguments = [
                self.render(item, depth + 1) for item in (*node.args, *(keyword.value for keyword in node.keywords))
            ]
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            name = self.callee(node.func)
            if (
                owner is not None
                and isinstance(owner, ast.Call | ast.Name)
                and (isinstance(owner, ast.Call) or owner.id in self.values)
            ):
                name = (
                    f"{self.render(owner, depth + 1)}.{node.func.attr}"
                    if isinstance(node.func, ast.Attribute)
                    else name
                )
            return f"{name}({', '.join(arguments)})"[:_MAX_TEXT]
        if isinstance(node, ast.Name):
            value_node = self.values.get(node.id)
            return (
                self.render(value_node, depth + 1)
                if isinstance(value_node, ast.Call | ast.Attribute | ast.BinOp)
                else self.names.get(node.id, node.id)
            )
        if isinstance(node, ast.Attribute):
            return f"{self.render(node.value, depth + 1)}.{node.attr}"[:_MAX_TEXT]
        parts = [self.render(child, depth + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return " ".join(parts)[:_MAX_TEXT]

    def decodes(self, node: ast.expr | None) -> bool:
        """Tell whether the expression is a call that decodes; it is shown as such, its result apart."""
        return isinstance(node, ast.Call) and self.callee(node.func) in _DECODERS

    def constant(self, node: ast.expr | None, depth: int = 0) -> Constant | None:
        """Return the value of an expression of constants, or None."""
        if node is None or depth > 40:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str | bytes) or type(node.value) is int else None
        if isinstance(node, ast.Name):
            return self.constant(self.values.get(node.id), depth + 8)
        if isinstance(node, ast.BinOp):
            left, right = self.constant(node.left, depth + 1), self.constant(node.right, depth + 1)
            if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
                return (left + right)[:_MAX_TEXT]
            if isinstance(node.op, ast.Add) and isinstance(left, bytes) and isinstance(right, bytes):
                return (left + right)[:_MAX_TEXT]
            return None
        if isinstance(node, ast.JoinedStr):
            parts = [
                self.constant(part.value if isinstance(part, ast.FormattedValue) else part, depth + 1)
                for part in node.values
            ]
            return "".join("{}" if part is None else str(part) for part in parts)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            text, step = self.constant(node.value, depth + 1), node.slice.step
            backwards = isinstance(step, ast.UnaryOp) and node.slice.lower is None and node.slice.upper is None
            return text[::-1] if backwards and isinstance(text, str | bytes) else None
        return self.call_constant(node, depth) if isinstance(node, ast.Call) else None

    def call_constant(self, node: ast.Call, depth: int) -> Constant | None:
        name = self.callee(node.func)
        first = self.constant(node.args[0], depth + 1) if node.args else None
        if name == "chr" and isinstance(first, int) and 0 <= first < 0xD800:
            return chr(first)
        if name in _DECODERS and isinstance(first, str | bytes):
            try:
                decoded: bytes = _DECODERS[name](first)[:_MAX_TEXT]  # type: ignore[operator]
                return decoded
            except (ValueError, TypeError):
                return None
        if (
            name == "codecs.decode"
            and isinstance(first, str)
            and len(node.args) > 1
            and self.constant(node.args[1]) in ("rot13", "rot_13")
        ):
            return str(codecs.decode(first, "rot13"))
        if isinstance(node.func, ast.Attribute):
            return self.method(node, self.constant(node.func.value, depth + 1), depth)
        if name in ("bytes", "bytearray", "str") and node.args:
            return self.sequence(node.args[0], depth) if name != "str" else first
        return None

    def method(self, node: ast.Call, owner: Constant | None, depth: int) -> Constant | None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "join" and isinstance(owner, str) and node.args:
            items = self.items(node.args[0], depth)
            return owner.join(items)[:_MAX_TEXT] if items is not None else None
        if name == "decode" and isinstance(owner, bytes):
            return owner.decode("utf-8", "replace")
        if name == "encode" and isinstance(owner, str):
            return owner.encode("utf-8", "replace")
        if name == "replace" and isinstance(owner, str) and len(node.args) == 2:
            old, new = self.constant(node.args[0], depth + 1), self.constant(node.args[1], depth + 1)
            return owner.replace(old, new)[:_MAX_TEXT] if isinstance(old, str) and isinstance(new, str) else None
        return None

    def sequence(self, node: ast.expr, depth: int) -> bytes | None:
        if not isinstance(node, ast.List | ast.Tuple):
            return None
        numbers = [self.constant(item, depth + 1) for item in node.elts]
        good = [number for number in numbers if isinstance(number, int) and 0 <= number < 256]
        return bytes(good) if len(good) == len(numbers) else None

    def items(self, node: ast.expr, depth: int) -> list[str] | None:
        if (
            isinstance(node, ast.Call)
            and self.callee(node.func) == "map"
            and len(node.args) == 2
            and self.callee(node.args[0]) == "chr"
        ):
            codes = self.sequence(node.args[1], depth)
            return [chr(code) for code in codes] if codes is not None else None
        if isinstance(node, ast.Call) and self.callee(node.func) == "reversed" and node.args:
            text = self.constant(node.args[0], depth + 1)
            return list(reversed(text)) if isinstance(text, str) else None
        if isinstance(node, ast.List | ast.Tuple):
            parts = [self.constant(item, depth + 1) for item in node.elts]
            return (
                [part for part in parts if isinstance(part, str)]
                if all(isinstance(part, str) for part in parts)
                else None
            )
        if isinstance(node, ast.ListComp | ast.GeneratorExp) and len(node.generators) == 1:
            element = node.elt
            if isinstance(element, ast.Call) and self.callee(element.func) == "chr":
                codes = self.sequence(node.generators[0].iter, depth)
                return [chr(code) for code in codes] if codes is not None else None
        return None
