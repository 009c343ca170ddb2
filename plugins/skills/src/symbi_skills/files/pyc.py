"""Whether compiled Python says what the source beside it says; compiled again and compared, never executed."""

from __future__ import annotations

import importlib.util
import marshal
import warnings
from types import CodeType

__all__ = ["same_as_source"]

_HEADER = 16
_MAX_SOURCE = 4 << 20


def same_as_source(compiled: bytes, source: bytes) -> bool:
    """Tell whether `compiled` was made by this Python from `source`.

    The source is compiled under every optimisation level and written out again: equal bytes are equal programs. Only the file name may
    differ, so it is taken from the compiled text itself, by search, without unmarshalling what is not trusted.
    """
    if compiled[:4] != importlib.util.MAGIC_NUMBER or len(compiled) < _HEADER or len(source) > _MAX_SOURCE:
        return False
    body = compiled[_HEADER:]
    for level in (0, 1, 2):
        for name in _file_names(body):
            code = _compile(source, name, level)
            if code is None:
                return False
            if marshal.dumps(code) == body:
                return True
    return False


def _compile(source: bytes, name: str, level: int) -> CodeType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(source, name, "exec", dont_inherit=True, optimize=level)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _file_names(body: bytes) -> list[str]:
    """Return the file names that the compiled text holds: short strings that end in `.py`."""
    names: list[str] = []
    position = body.find(b".py")
    while position >= 0 and len(names) < 3:
        end = position + 3
        for start in range(max(0, position - 250), position):
            length = end - start
            header = body[start - 2 : start]
            long_header = body[start - 5 : start]
            short = len(header) == 2 and header[0] & 0x7F in (0x7A, 0x5A) and header[1] == length
            long = (
                len(long_header) == 5
                and long_header[0] & 0x7F in (0x61, 0x41, 0x75)
                and int.from_bytes(long_header[1:], "little") == length
            )
            if short or long:
                name = body[start:end].decode("utf-8", "replace")
                if name not in names:
                    names.append(name)
        position = body.find(b".py", end)
    return names
