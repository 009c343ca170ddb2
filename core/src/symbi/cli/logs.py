"""Logging of a server: one line a record on stderr, for people or as JSON, with secrets masked."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from symbi.contracts.masking import mask_text

__all__ = ["set_up_logging"]

_QUIET = ("httpx", "httpcore", "uvicorn.access", "watchfiles", "alembic", "hpack", "asyncio")


class _People(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        return mask_text(f"{moment} {record.levelname.lower():7} {record.name}: {super().format(record)}")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask_text(super().format(record)),
        }
        return json.dumps(fields, ensure_ascii=False)


def set_up_logging(level: str, *, as_json: bool = False) -> None:
    """Send every record of at least `level` to stderr; chatty libraries only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines("%(message)s") if as_json else _People("%(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
