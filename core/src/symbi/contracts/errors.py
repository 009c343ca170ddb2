"""The one tree of errors: data as attributes, a code for programs, a hint for people."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "CapacityExceeded",
    "ConfigError",
    "Conflict",
    "Forbidden",
    "IdempotencyMismatch",
    "InvalidRequest",
    "NotFound",
    "PayloadTooLarge",
    "PluginError",
    "PolicyDenied",
    "RateLimited",
    "ServiceUnavailable",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreTooNew",
    "StoreUnavailable",
    "SymbiError",
    "Timeout",
    "Unauthorized",
    "Unavailable",
]


class SymbiError(Exception):
    """Base of every error that Symbi raises on purpose.

    `message` is safe to show to a caller; `hint` names the next step; `details` is JSON-ready data; `code` is stable for programs.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details
        self.error_code = code or self.code

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InvalidRequest(SymbiError):
    """What was asked for is malformed, or a field of it is wrong; `details` names the field."""

    code = "INVALID_REQUEST"


class Unauthorized(SymbiError):
    """No credential, or one that is not valid."""

    code = "UNAUTHORIZED"


class Forbidden(SymbiError):
    """The credential is valid but lacks the right."""

    code = "FORBIDDEN"


class PolicyDenied(Forbidden):
    """Policy decided against the action."""

    code = "POLICY_DENIED"


class NotFound(SymbiError):
    """No such thing exists, or the caller may not know of it."""

    code = "NOT_FOUND"


class Conflict(SymbiError):
    """The thing exists but its state does not allow what was asked."""

    code = "CONFLICT"


class IdempotencyMismatch(SymbiError):
    """An idempotency key was used again with another request."""

    code = "IDEMPOTENCY_MISMATCH"


class PayloadTooLarge(SymbiError):
    """The request is larger than its limit."""

    code = "PAYLOAD_TOO_LARGE"


class RateLimited(SymbiError):
    """Too many requests; `retry_after` is in seconds."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after: float, code: str | None = None, details: Any = None) -> None:
        super().__init__(message, code=code, details=details)
        self.retry_after = retry_after


class CapacityExceeded(SymbiError):
    """A bounded queue or a budget is full."""

    code = "CAPACITY_EXCEEDED"


class Timeout(SymbiError):
    """A deadline passed before the answer came."""

    code = "TIMEOUT"


class Unavailable(SymbiError):
    """Something that is needed cannot be reached now, and trying again later may help."""

    code = "UNAVAILABLE"


class ServiceUnavailable(Unavailable):
    """No installed and enabled plugin provides the service that was asked for."""

    code = "SERVICE_UNAVAILABLE"


class ConfigError(SymbiError):
    """A setting is wrong; `path` is its full path in the file, for example `plugins.slack.timeout_seconds`."""

    code = "CONFIG_ERROR"

    def __init__(self, message: str, *, path: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint, details={"path": path} if path else None)
        self.path = path


class PluginError(SymbiError):
    """A plugin could not be imported, validated, opened or called; the attributes name the culprit."""

    code = "PLUGIN_ERROR"

    def __init__(
        self, message: str, *, plugin: str, distribution: str = "", version: str = "", hint: str | None = None
    ) -> None:
        super().__init__(
            message, hint=hint, details={"plugin": plugin, "distribution": distribution, "version": version}
        )
        self.plugin = plugin
        self.distribution = distribution
        self.version = version


class StoreError(SymbiError):
    """Base of what the record store raises."""

    code = "STORE_ERROR"


class StoreUnavailable(StoreError, Unavailable):
    """The database cannot be reached or opened."""

    code = "STORE_UNAVAILABLE"


class StoreFull(StoreError):
    """The disk under the database is full; nothing of the transaction was kept."""

    code = "STORE_FULL"


class StoreCorrupt(StoreError):
    """The database file is damaged or is no database."""

    code = "STORE_CORRUPT"


class StoreLocked(StoreError):
    """Another runtime holds the database."""

    code = "STORE_LOCKED"


class StoreTooNew(StoreError):
    """The database was written by a newer version than this one."""

    code = "STORE_TOO_NEW"
