"""Logging of a server: one line a record on stderr, for people or as JSON, with secrets masked."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from symbi.contracts.masking import mask_text
from symbi.contracts.telemetry import log_fields

__all__ = ["set_up_logging"]

_QUIET = ("httpx", "httpcore", "uvicorn.access", "watchfiles", "alembic", "hpack", "asyncio")
_FIELDS = "symbi_fields"


class _People(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = getattr(record, _FIELDS, {})
        tail = "".join(f" {name}={fields[name][:8]}" for name in ("request_id", "run_id") if name in fields)
        return mask_text(f"{moment} {record.levelname.lower():7} {record.name}: {super().format(record)}{tail}")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask_text(super().format(record)),
            **getattr(record, _FIELDS, {}),
        }
        return json.dumps(fields, ensure_ascii=False)


def _correlate(record: logging.LogRecord) -> bool:
    """Note what the record belongs to: the request, trace and run of the task that logs it."""
    setattr(record, _FIELDS, log_fields.get())
    return True


def set_up_logging(level: str, *, as_json: bool = False) -> None:
    """Send every record of at least `level` to stderr; chatty libraries only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_correlate)
    handler.setFormatter(_Lines("%(message)s") if as_json else _People("%(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
