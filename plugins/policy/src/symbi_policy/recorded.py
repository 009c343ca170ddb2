"""Reads decisions that were recorded, so that they can be decided again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from symbi.contracts.errors import InvalidRequest
from symbi_policy.questions import Question

__all__ = ["Recorded", "read_recorded"]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A question that was decided, and how; `outcome` is empty where only the question is known."""

    question: Question
    outcome: str = ""


def read_recorded(files: Iterable[Path]) -> list[Recorded]:
    """Return each distinct decision of audit files, or of JSON lines of questions; folders are walked.

    Raises `InvalidRequest` for a line that is no JSON, and where there is nothing at all.
    """
    found: dict[bytes, Recorded] = {}
    for file in files:
        for each in sorted(file.rglob("*.jsonl")) if file.is_dir() else [file]:
            for recorded in _lines(each):
                found.setdefault(msgspec.json.encode(recorded, order="sorted"), recorded)
    if not found:
        raise InvalidRequest("there are no recorded decisions", hint="--recorded FILE")
    return list(found.values())


def _lines(file: Path) -> Iterator[Recorded]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    recorded = _recorded(msgspec.json.decode(line))
                except msgspec.MsgspecError as error:
                    raise InvalidRequest(f"{file}:{number}: {error}") from None
                if recorded is not None:
                    yield recorded
    except OSError as error:
        raise InvalidRequest(f"{file}: cannot be read: {error.strerror}") from None


def _recorded(record: Any) -> Recorded | None:
    if not isinstance(record, dict):
        return None
    details = record.get("details")
    if record.get("kind") == "policy.decision" and isinstance(details, dict):
        question = msgspec.convert(_asked(details), Question)
        return Recorded(question=question, outcome=str(record.get("outcome", "")))
    if "tool_name" in record or "action" in record:
        return Recorded(question=msgspec.convert(record, Question))
    return None


def _asked(details: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": details["action"],
        "target": details.get("target") or None,
        "arguments": details.get("arguments"),
        "agent": details.get("agent_facts") or details.get("agent"),
        "resource": details.get("resource"),
        "surface": details.get("surface", "run"),
        "source": details.get("source", "model"),
        "trusted": details.get("trusted") or {},
    }
