"""One JSON body for every error: `{"error", "code", "details"}`, whoever raised it (decisions.md, F-25)."""

from __future__ import annotations

import logging
import math
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from symbi.contracts import errors as tree
from symbi.http.sending import allowed_methods
from symbi.http.tracing import current_request_id

if TYPE_CHECKING:
    from litestar import Request
    from litestar.types import ExceptionHandlersMap

    from symbi.http.asgi import Send

__all__ = [
    "EXCEPTION_HANDLERS",
    "ErrorBody",
    "Problem",
    "SlowBody",
    "UnsupportedMedia",
    "describe",
    "send_problem",
    "status_of",
]

_log = logging.getLogger("symbi.http")


class UnsupportedMedia(tree.InvalidRequest):
    """The body is not of a type that is taken here."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class SlowBody(tree.InvalidRequest):
    """The body did not arrive in time."""

    code = "BODY_TIMEOUT"


STATUS: dict[type[tree.SymbiError], int] = {
    UnsupportedMedia: 415,
    SlowBody: 408,
    tree.InvalidRequest: 400,
    tree.ConfigError: 400,
    tree.Unauthorized: 401,
    tree.Forbidden: 403,
    tree.NotFound: 404,
    tree.Conflict: 409,
    tree.PayloadTooLarge: 413,
    tree.IdempotencyMismatch: 422,
    tree.RateLimited: 429,
    tree.CapacityExceeded: 503,
    tree.Unavailable: 503,
    tree.StoreFull: 503,
    tree.StoreLocked: 503,
    tree.Timeout: 504,
}
"""Status by error class; a class that is not listed has its parent's, and the root means 500."""

CODES = {
    400: ("INVALID_REQUEST", "The request is malformed."),
    401: ("UNAUTHORIZED", "A valid bearer token is required."),
    403: ("FORBIDDEN", "This credential does not allow it."),
    404: ("NOT_FOUND", "There is nothing at this path."),
    405: ("METHOD_NOT_ALLOWED", "This path does not take that method."),
    406: ("NOT_ACCEPTABLE", "The answer is not available in an accepted form."),
    408: ("TIMEOUT", "The request took too long to arrive."),
    409: ("CONFLICT", "The state of the thing does not allow it."),
    413: ("PAYLOAD_TOO_LARGE", "The request body is larger than allowed here."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The body must be JSON (Content-Type: application/json)."),
    421: ("HOST_NOT_ALLOWED", "This server does not answer for that host name."),
    429: ("RATE_LIMITED", "Too many requests."),
    503: ("UNAVAILABLE", "Something that is needed cannot be reached now."),
    504: ("TIMEOUT", "It took too long."),
}
_FRAMEWORK_TO_OURS = {422: 400}
_GENERIC = "Something went wrong here; the log has the cause under this id."


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error of the runtime API."""

    error: str
    code: str
    details: dict[str, Any] | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error on its way to the wire: status, code, a sentence for people, data for programs, extra headers."""

    status: int
    code: str
    message: str
    details: dict[str, Any] | None = None
    headers: dict[str, str] = {}

    def body(self, *, nested: bool = False) -> bytes:
        """Return the JSON body; `nested` is the form that the tool review API has in the seed."""
        if nested:
            return msgspec.json.encode(
                {"error": {"code": self.code, "message": self.message, "details": self.details or {}}}
            )
        return msgspec.json.encode(ErrorBody(error=self.message, code=self.code, details=self.details))


def status_of(error: tree.SymbiError) -> int:
    """Return the HTTP status of an error of our tree."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def describe(error: BaseException) -> Problem:
    """Return what the wire may know of an error; a 5xx keeps its cause for the log, under an id (A-11)."""
    if isinstance(error, tree.SymbiError):
        return _ours(error)
    if isinstance(error, HTTPException):
        return _framework(error)
    return _internal(error)


async def send_problem(send: Send, problem: Problem, *, nested: bool = False) -> None:
    """Answer an ASGI request with an error."""
    body = problem.body(nested=nested)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _ours(error: tree.SymbiError) -> Problem:
    status = status_of(error)
    if status == 500:
        return _logged(error, status, error.error_code, _GENERIC, {})
    headers: dict[str, str] = {}
    if isinstance(error, tree.RateLimited):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    elif status == 503:
        headers["Retry-After"] = "1"
        if isinstance(error, tree.StoreError):
            return _logged(error, status, error.error_code, "The record store cannot take this now.", headers)
    return Problem(
        status=status, code=error.error_code, message=str(error), details=_details(error.details), headers=headers
    )


def _framework(error: HTTPException) -> Problem:
    status = _FRAMEWORK_TO_OURS.get(error.status_code, error.status_code)
    if status >= 500:
        return _internal(error)
    code, sentence = CODES.get(status, ("INVALID_REQUEST", "The request cannot be served."))
    headers = dict(error.headers or {})
    if isinstance(error, ValidationException):
        details = _fields(error.extra or _missing(error.detail))
        sentence = (
            f"{details['field']}: {details['reason']}" if details["field"] else "A field of the request is wrong."
        )
        return Problem(status=status, code=code, message=sentence, details=details, headers=headers)
    if status == 405:
        headers = {"Allow": allowed_methods(headers.get("allow", "").encode()).decode()}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Problem(status=status, code=code, message=sentence, details=_details(error.extra), headers=headers)


def _internal(error: BaseException) -> Problem:
    return _logged(error, 500, "INTERNAL_ERROR", _GENERIC, {})


def _logged(error: BaseException, status: int, code: str, message: str, headers: dict[str, str]) -> Problem:
    error_id = current_request_id() or secrets.token_hex(8)
    _log.error("answer %d, error id %s: %s", status, error_id, type(error).__name__, exc_info=error)
    return Problem(status=status, code=code, message=message, details={"error_id": error_id}, headers=headers)


def _details(details: Any) -> dict[str, Any] | None:
    if not details:
        return None
    return dict(details) if isinstance(details, Mapping) else {"items": msgspec.to_builtins(details)}


def _fields(extra: Any) -> dict[str, Any]:
    faults = [dict(each) for each in extra if isinstance(each, Mapping)] if isinstance(extra, Iterable) else []
    fields = [
        {"field": each.get("key", ""), "source": each.get("source", ""), "reason": each.get("message", "")}
        for each in faults
    ]
    return {**fields[0], "fields": fields} if fields else {"field": "", "reason": "invalid"}


def _missing(detail: str) -> list[dict[str, Any]]:
    """Read the one sentence in which Litestar names a missing parameter; it gives no fields for that."""
    found = re.match(r"Missing required (\w+) parameter '([^']{1,100})'", detail)
    return [] if found is None else [{"key": found[2], "source": found[1], "message": "missing_required_field"}]


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    problem = describe(error)
    handler = request.scope.get("route_handler")
    nested = handler is not None and handler.opt.get("error_shape") == "nested"
    return Response(
        problem.body(nested=nested), status_code=problem.status, headers=problem.headers, media_type="application/json"
    )


EXCEPTION_HANDLERS: ExceptionHandlersMap = {HTTPException: _answer, tree.SymbiError: _answer, Exception: _answer}
"""For the application: everything ends in the one body."""
