"""Errors of a running program: those that `try` may catch, and bounds, which it may not."""

from __future__ import annotations

from typing import Any

__all__ = ["LanguageError", "LimitReached"]


class LanguageError(Exception):
    """An error that a program can catch; `at` is an offset into its text, -1 until somebody knows it."""

    def __init__(
        self, kind: str, message: str, *, at: int = -1, code: str = "program_error", details: Any = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.at = at
        self.code = code
        self.details = details


class LimitReached(Exception):
    """A bound of the run; no `try` of the program catches it."""

    def __init__(self, kind: str, message: str, *, code: str, at: int = -1) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code
        self.at = at
