"""Schedules of upstream's `cron_jobs.db`, read and translated: its weekdays run from 1 = Sunday to 7 = Saturday (C13)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.rule import make_rule

__all__ = ["Imported", "read_upstream", "translate_weekdays"]

_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """One job: the request that makes it here, what was changed in it, and why it cannot be taken (empty when it can)."""

    name: str
    request: dict[str, Any]
    changes: tuple[str, ...] = ()
    fault: str = ""


def read_upstream(path: Path) -> list[Imported]:
    """Every job of the file, which is only read; raises OSError or sqlite3.Error where it is no such database."""
    uri = f"{path.resolve(strict=True).as_uri()}?mode=ro"
    with sqlite3.connect(uri, uri=True) as conn:
        conn.row_factory = sqlite3.Row
        return [_job(dict(row)) for row in conn.execute("SELECT * FROM cron_jobs")]


def _job(row: dict[str, Any]) -> Imported:
    name = str(row.get("name") or row.get("job_id"))
    source = str(row.get("cron_expression") or "")
    expression = translate_weekdays(source)
    changes = [f"weekdays: {source} is {expression} here"] if expression != source else []
    agent = _json(row.get("agent_config"), {})
    status = str(row.get("status") or "").lower()
    options = {
        "max_concurrent": row.get("max_concurrent"),
        "max_retries": row.get("max_retries"),
        "jitter_seconds": row.get("jitter_max_secs"),
    }
    request: dict[str, Any] = {
        "name": name,
        "agent_name": str(agent.get("name") or ""),
        "cron_expression": expression,
        "timezone": str(row.get("timezone") or "UTC"),
        "policy_ids": _json(row.get("policy_ids"), []),
        "one_shot": bool(row.get("one_shot")),
        "paused": not row.get("enabled", 1) or status == "paused",
        "options": {key: value for key, value in options.items() if value is not None},
    }
    fault = "" if request["agent_name"] else "it names no agent"
    if status in ("completed", "failed"):
        fault = f"it has ended ({status})"
    try:
        make_rule(expression, request["timezone"])
    except CronError as error:
        fault = str(error)
    return Imported(name=name, request=request, changes=tuple(changes), fault=fault)


def translate_weekdays(expression: str) -> str:
    """The expression with numbers of the weekday field written as names; everything else stays."""
    fields = expression.split()
    if len(fields) not in (6, 7):
        return expression
    fields[5] = ",".join(_item(item) for item in fields[5].split(","))
    return " ".join(fields)


def _item(item: str) -> str:
    body, slash, step = item.partition("/")
    first, dash, last = body.partition("-")
    return f"{_day(first)}{dash}{_day(last) if dash else ''}{slash}{step}"


def _day(text: str) -> str:
    return _NAMES[int(text) - 1] if text.isdigit() and 1 <= int(text) <= 7 else text


def _json(value: Any, default: Any) -> Any:
    try:
        found = msgspec.json.decode(value) if isinstance(value, (str, bytes)) else value
    except msgspec.DecodeError:
        return default
    return found if isinstance(found, type(default)) else default
