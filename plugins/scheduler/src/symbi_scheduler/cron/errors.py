"""The one error of the cron engine."""

from __future__ import annotations

__all__ = ["CronError"]


class CronError(ValueError):
    """An expression, zone or rule cannot be used; `field` names the part at fault and `hint` the next step."""

    def __init__(self, code: str, message: str, *, field: str = "expression", hint: str | None = None) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.code = code
        self.message = message
        self.field = field
        self.hint = hint
