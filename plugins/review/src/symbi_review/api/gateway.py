"""The gateway of the review API: who calls, how often, what for; every answer leaves through it with its shape and headers."""

from __future__ import annotations

import hashlib
import logging
import math
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.response import Stream

from symbi.contracts.errors import SymbiError, Unavailable
from symbi.contracts.principal import Principal
from symbi.contracts.signing import ApprovalRegister
from symbi.http import authenticate, current_request_id
from symbi_review.access import ROLES, Caller
from symbi_review.api.answers import Answer, Call
from symbi_review.api.table import Endpoint, find
from symbi_review.durations import rfc3339
from symbi_review.errors import ApiError
from symbi_review.kept import keep_answer, kept_answer
from symbi_review.limits import Standing
from symbi_review.service import ReviewService
from symbi_review.tables import TOKENS
from symbi_review.tokens import unauthorized
from symbi_review.validation import read_json

__all__ = ["answer"]

_log = logging.getLogger("symbi.review")
_MOST_BODY = 2 << 20
_GIVEN = "symbi.principal"


async def answer(request: Request[Any, Any, Any], services: Any, path: str) -> Response[Any]:
    """Serve one request below the review API; nothing escapes but a response."""
    service = services.maybe(ApprovalRegister)
    if not isinstance(service, ReviewService):
        return _problem(
            ApiError(503, "SERVICE_UNAVAILABLE", "The review service is not open.", headers={"Retry-After": "5"}), {}, 0
        )
    gate = _Gate(service, request)
    endpoint, params, allowed = find(request.method, path)
    kind = endpoint.kind if endpoint is not None else "query"
    try:
        caller = await gate.admit(kind, endpoint)
        if endpoint is None:
            if allowed:
                raise ApiError(
                    405,
                    "METHOD_NOT_ALLOWED",
                    "This path does not take that method.",
                    headers={"Allow": ", ".join(allowed)},
                )
            raise ApiError(404, "NOT_FOUND", "There is nothing at this path.")
        return await gate.serve(endpoint, caller, params)
    except ApiError as error:
        return _problem(error, gate.headers(), service.now())
    except SymbiError as error:
        return _problem(_translate(error), gate.headers(), service.now())
    except Exception:
        _log.exception("a request of the review API failed")
        return _problem(
            ApiError(500, "INTERNAL_ERROR", "Something went wrong here; the log has the cause."),
            gate.headers(),
            service.now(),
        )


class _Gate:
    def __init__(self, service: ReviewService, request: Request[Any, Any, Any]) -> None:
        self.service = service
        self.request = request
        self.standing: Standing | None = None

    def headers(self) -> dict[str, str]:
        return self.standing.headers(self.service.now() / 1000) if self.standing is not None else {}

    def _limit(self, kind: str) -> int:
        limits = self.service.config.rate_limits
        return {
            "submission": limits.submission,
            "query": limits.query,
            "download": limits.download,
            "decision": limits.decision,
        }[kind]

    async def admit(self, kind: str, endpoint: Endpoint | None) -> Caller | None:
        """Authenticate, then count; a failed login is counted against the address."""
        enabled = self.service.config.rate_limits.enabled
        address = str(self.request.scope.get("symbi.client", ""))
        logins = self.service.config.rate_limits.failed_logins
        limiter = self.service.limiter
        self.standing = limiter.take(address, "login", logins, peek=True)
        if endpoint is not None and endpoint.open:
            self.standing = limiter.take(address, f"open-{kind}", self._limit(kind), peek=not enabled)
            self._refuse(kind, enabled)
            return None
        if enabled and not self.standing.allowed:
            self._refuse("login", enabled)
        try:
            caller = await self._caller()
        except ApiError:
            self.standing = limiter.take(address, "login", logins)
            raise
        self.standing = limiter.take(caller.key, kind, self._limit(kind), peek=not enabled)
        self._refuse(kind, enabled)
        return caller

    def _refuse(self, kind: str, enabled: bool) -> None:
        standing = self.standing
        if standing is None or standing.allowed or not enabled:
            return
        wait = max(1, math.ceil(standing.reset_in))
        details = {"class": kind, "limit": standing.limit, "window_seconds": 60, "retry_after_seconds": wait}
        raise ApiError(429, "RATE_LIMITED", "Too many requests.", details=details, headers={"Retry-After": str(wait)})

    async def _caller(self) -> Caller:
        given = self.request.scope.get(_GIVEN)
        if isinstance(given, Principal) and given.admin:
            name = self.request.headers.get("x-symbi-act-as") or given.display_name or given.id
            return Caller(subject=name, issuer=self.service.config.jwt.issuer, scopes=ROLES["admin"], email=name)
        found = [value for name, value in self.request.scope["headers"] if name.lower() == b"authorization"]
        if len(found) != 1 or {"access_token", "token"} & set(self.request.query_params.keys()):
            raise unauthorized()
        scheme, _, token = found[0].decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token or token != token.strip():
            raise unauthorized()
        if token.count(".") != 2 and self.service.config.jwt.accept_admin_token:
            return await self._admin()
        caller = self.service.gate.check(token, self.service.now() / 1000)
        if caller.jti and await self._denied(caller):
            raise unauthorized()
        return caller

    async def _admin(self) -> Caller:
        try:
            principal = await authenticate(self.request)
        except SymbiError:
            raise unauthorized() from None
        if not principal.admin:
            raise unauthorized()
        return Caller(subject=principal.id, issuer="runtime", scopes=ROLES["admin"])

    async def _denied(self, caller: Caller) -> bool:
        from sqlalchemy import select

        query = select(TOKENS.c.jti).where((TOKENS.c.issuer == caller.issuer) & (TOKENS.c.jti == caller.jti))
        return (await self.service.store.read(lambda c: c.execute(query).first())) is not None

    async def serve(self, endpoint: Endpoint, caller: Caller | None, params: dict[str, str]) -> Response[Any]:
        raw = await self._body(endpoint)
        body = read_json(raw) if endpoint.body == "required" or (raw.strip() and endpoint.body == "optional") else {}
        who = caller or Caller(subject="", issuer="", scopes=frozenset())
        call = Call(
            service=self.service,
            caller=who,
            params=params,
            query=dict(self.request.query_params),
            body=body,
            headers=dict(self.request.headers),
            request=self.request,
        )
        key = self.request.headers.get("idempotency-key") if self.request.method == "POST" else None
        if key is None or caller is None:
            return self._respond(await endpoint.handler(call))
        if not 1 <= len(key) <= 255 or not key.isprintable():
            raise ApiError(
                400,
                "VALIDATION_ERROR",
                "Idempotency-Key must be 1 to 255 printable characters.",
                details={"field": "Idempotency-Key", "reason": "invalid_format"},
            )
        digest = hashlib.sha256(
            f"{self.request.method} {self.request.scope.get('raw_path', b'')!r}\n".encode() + raw
        ).hexdigest()
        kept = await self.service.store.read(kept_answer, caller.key, key)
        if kept is not None:
            if kept.request_sha256 != digest:
                raise ApiError(409, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used for another request.")
            again = Answer(
                status=kept.status,
                body=msgspec.json.decode(kept.body),
                headers={"Location": kept.location} if kept.location else {},
            )
            return self._respond(again)
        made = await endpoint.handler(call)
        if made.status < 300 and made.content is None:
            text = msgspec.json.encode(made.body).decode()
            await self.service.store.write(
                keep_answer,
                caller.key,
                key,
                digest,
                made.status,
                text,
                made.headers.get("Location"),
                self.service.now(),
            )
        return self._respond(made)

    async def _body(self, endpoint: Endpoint) -> bytes:
        if self.request.method in ("GET", "HEAD"):
            return b""
        raw = await self.request.body()
        if len(raw) > _MOST_BODY:
            raise ApiError(
                413, "PAYLOAD_TOO_LARGE", "The body is larger than 2 MiB.", details={"limit_bytes": _MOST_BODY}
            )
        media = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if raw.strip() and media != "application/json":
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be JSON (Content-Type: application/json).")
        return raw

    def _respond(self, made: Answer) -> Response[Any]:
        headers = {**made.headers, **self.headers()}
        if made.stream is not None:
            stream: Stream = made.stream
            stream.headers.update(headers)
            return stream
        if made.content is not None:
            return Response(made.content, status_code=made.status, headers=headers, media_type=made.media_type)
        content = msgspec.json.encode(made.body) if made.status != 304 else b""
        return Response(content, status_code=made.status, headers=headers, media_type="application/json")


def _translate(error: SymbiError) -> ApiError:
    from symbi.http.errors import describe

    if isinstance(error, Unavailable):
        return ApiError(
            503, "SERVICE_UNAVAILABLE", "Something that is needed cannot be reached now.", headers={"Retry-After": "5"}
        )
    problem = describe(error)
    code = {500: "INTERNAL_ERROR"}.get(problem.status, problem.code)
    return ApiError(problem.status, code, problem.message, details=problem.details or {}, headers=problem.headers)


def _problem(error: ApiError, headers: dict[str, str], now: int) -> Response[bytes]:
    body = {
        "error": {"code": error.error_code, "message": error.message, "details": error.details or {}},
        "request_id": current_request_id() or "",
        "timestamp": rfc3339(now),
    }
    return Response(
        msgspec.json.encode(body),
        status_code=error.status,
        headers={**error.headers, **headers},
        media_type="application/json",
    )
