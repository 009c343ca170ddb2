"""Constant folding, bounded: joins, slices, chr(), base64, hex, zlib, XOR of constants — what hides names and payloads."""

from __future__ import annotations

import base64
import binascii
import codecs
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from symbi_static.flow.values import CLEAN, UNKNOWN, Val, constant, join_safe, join_taint, shape_of

__all__ = ["DECODERS", "fold_binary", "fold_call", "fold_method", "join_text"]

_MOST = 1 << 16


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _unzip(value: Any, *_: Any) -> bytes:
    return zlib.decompressobj(47).decompress(_bytes(value), _MOST)


_CODECS = {"rot13", "rot_13", "hex", "base64", "utf-8", "utf8", "ascii", "latin-1", "hex_codec", "base64_codec"}
_PLAIN: dict[str, Callable[..., Any]] = {
    "chr": lambda v: chr(v),
    "str": lambda v="", *_: v.decode() if isinstance(v, bytes) and _ else str(v),
    "bytes": lambda v=b"", *_: (
        bytes(v) if isinstance(v, list | tuple | bytes) else _bytes(v) if isinstance(v, str) else UNKNOWN
    ),
    "bytearray": lambda v=b"", *_: bytes(v) if isinstance(v, list | tuple | bytes) else UNKNOWN,
    "int": lambda v=0, *a: int(v, *a),
    "ord": lambda v: ord(v),
    "len": lambda v: len(v),
    "reversed": lambda v: v[::-1],
    "list": lambda v=(): tuple(v),
    "tuple": lambda v=(): tuple(v),
    "String.fromCharCode": lambda *codes: "".join(map(chr, codes)),
    "unescape": lambda v: unquote(v),
    "decodeURIComponent": lambda v: unquote(v),
    "operator.add": lambda a, b: a + b,
}

DECODERS: dict[str, Callable[..., Any]] = {
    "base64.b64decode": lambda v, *_: base64.b64decode(_bytes(v) + b"==="[: -len(v) % 4]),
    "base64.standard_b64decode": lambda v, *_: base64.b64decode(_bytes(v)),
    "base64.urlsafe_b64decode": lambda v, *_: base64.urlsafe_b64decode(_bytes(v) + b"==="[: -len(v) % 4]),
    "base64.decodebytes": lambda v, *_: base64.decodebytes(_bytes(v)),
    "base64.b32decode": lambda v, *_: base64.b32decode(_bytes(v)),
    "base64.b16decode": lambda v, *_: base64.b16decode(_bytes(v)),
    "base64.b85decode": lambda v, *_: base64.b85decode(_bytes(v)),
    "base64.a85decode": lambda v, *_: base64.a85decode(_bytes(v)),
    "binascii.unhexlify": lambda v, *_: binascii.unhexlify(v),
    "binascii.a2b_base64": lambda v, *_: binascii.a2b_base64(v),
    "binascii.a2b_hex": lambda v, *_: binascii.a2b_hex(v),
    "bytes.fromhex": lambda v, *_: bytes.fromhex(v),
    "bytearray.fromhex": lambda v, *_: bytes.fromhex(v),
    "zlib.decompress": _unzip,
    "gzip.decompress": _unzip,
    "lzma.decompress": lambda v, *_: UNKNOWN,
    "bz2.decompress": lambda v, *_: UNKNOWN,
    "codecs.decode": lambda v, how="utf-8", *_: codecs.decode(v, how) if str(how).lower() in _CODECS else UNKNOWN,
    "atob": lambda v, *_: base64.b64decode(_bytes(v)).decode("latin-1"),
    "Buffer.from": lambda v, how="utf8", *_: _buffer(v, how),
}  # fmt: skip
_METHODS = {"join", "replace", "strip", "lower", "upper", "decode", "encode", "split", "format", "rstrip", "lstrip", "hex", "toString", "reverse", "swapcase", "toLowerCase", "trim", "concat", "translate", "removeprefix", "title"}  # fmt: skip  # noqa: E501  # one list, one place


def _buffer(value: Any, how: Any) -> Any:
    if how == "base64":
        return base64.b64decode(_bytes(value))
    return bytes.fromhex(value) if how == "hex" else bytes(value) if isinstance(value, tuple) else _bytes(value)


def _run(function: Callable[..., Any], *args: Any) -> Any:
    try:
        result = function(*args)
    except (
        ValueError,
        TypeError,
        OverflowError,
        LookupError,
        AttributeError,
        ArithmeticError,
        zlib.error,
        RecursionError,
        MemoryError,
    ):
        return UNKNOWN
    return UNKNOWN if hasattr(result, "__len__") and len(result) > _MOST else result


def fold_call(ref: str, args: list[Any]) -> Any:
    """The result of a known pure function of constants, or UNKNOWN; marks nothing."""
    function = DECODERS.get(ref) or _PLAIN.get(ref)
    if function is None or any(arg is UNKNOWN for arg in args):
        return UNKNOWN
    if ref == "int" and args and isinstance(args[0], str) and len(args[0]) > 100:
        return UNKNOWN
    return _run(function, *args)


def fold_method(value: Any, name: str, args: list[Any]) -> Any:
    """The result of a pure method of a constant, or UNKNOWN."""
    if value is UNKNOWN or name not in _METHODS or any(arg is UNKNOWN for arg in args):
        return UNKNOWN
    if name == "join" and isinstance(value, tuple | list):
        return _run(lambda: (str(args[0]) if args else ",").join(map(str, value)))
    if name == "reverse":
        return value[::-1] if isinstance(value, tuple) else UNKNOWN
    if name == "split" and args == [""]:
        return tuple(value)
    if name == "toString":
        if isinstance(value, bytes):
            return value.hex() if args == ["hex"] else value.decode("utf-8", "replace")
        return str(value)
    if name == "concat":
        return _run(lambda: value + "".join(map(str, args)))
    if name == "format" and isinstance(value, str) and len(value) > 2000:
        return UNKNOWN
    alias = {"toLowerCase": "lower", "trim": "strip"}.get(name, name)
    method = getattr(value, alias, None) if isinstance(value, str | bytes) else None
    result = _run(method, *args) if method is not None else UNKNOWN
    return tuple(result) if isinstance(result, list) else result


def fold_binary(op: str, left: Any, right: Any) -> Any:
    """`+`, `%`, `*`, `^` … of constants, or UNKNOWN."""
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if op == "+":
        if (
            isinstance(left, str) != isinstance(right, str)
            and isinstance(left, str | int)
            and isinstance(right, str | int)
        ):
            return str(left) + str(right)
        return _run(lambda: left + right)
    if op == "%":
        return _run(lambda: left % right) if not isinstance(left, str) or len(left) < 2000 else UNKNOWN
    if op == "*":
        sizes = [len(v) for v in (left, right) if hasattr(v, "__len__")]
        times = [v for v in (left, right) if isinstance(v, int)]
        if not sizes:
            return _run(lambda: left * right) if all(abs(v) < 1 << 40 for v in times) else UNKNOWN
        return _run(lambda: left * right) if times and sizes[0] * times[0] <= _MOST else UNKNOWN
    table: dict[str, Callable[[], Any]] = {"-": lambda: left - right, "^": lambda: left ^ right, "//": lambda: left // right, "|": lambda: left | right, "/": lambda: left / right}  # fmt: skip  # noqa: E501  # one list, one place
    return _run(table[op]) if op in table else UNKNOWN


def join_text(parts: list[Val]) -> Val:
    """The concatenation of parts: constant if all are, else an outline with holes."""
    consts = [part.const for part in parts]
    if all(isinstance(const, str | int | float) for const in consts):
        return constant("".join(str(const) for const in consts))
    shape = "".join(shape_of(part) or (CLEAN if part.const is UNKNOWN else "") for part in parts)
    about = frozenset().union(*(part.about for part in parts))
    tags = frozenset().union(*(part.tags for part in parts))
    return Val(taint=join_taint(parts), shape=shape[:2000], safe=join_safe(parts), about=about, tags=tags)
