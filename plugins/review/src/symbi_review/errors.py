"""Errors of the review API, in the seed's nested form."""

from __future__ import annotations

from typing import Any

from symbi.contracts.errors import SymbiError

__all__ = ["ApiError", "invalid", "missing", "not_found"]


class ApiError(SymbiError):
    """An error with its HTTP status, code, message, details and extra headers; messages never echo source or tokens."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details or {})
        self.status = status
        self.headers = headers or {}


def missing(field: str, message: str) -> ApiError:
    """A required field is missing."""
    return ApiError(400, "INVALID_REQUEST", message, details={"field": field, "reason": "missing_required_field"})


def invalid(field: str, reason: str, message: str, **more: Any) -> ApiError:
    """A field is present but wrong."""
    return ApiError(400, "VALIDATION_ERROR", message, details={"field": field, "reason": reason, **more})


def not_found() -> ApiError:
    """Unknown, malformed or not visible: one answer for all (toolreview.md §1.2)."""
    return ApiError(404, "NOT_FOUND", "There is no such review, or it is not visible to you.")
