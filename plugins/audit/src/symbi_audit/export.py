"""Audit records as OpenTelemetry log records, in the OTLP JSON encoding (opentelemetry-proto, logs/v1)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from symbi.contracts.audit import AuditRecord

__all__ = ["to_otlp"]

_SEVERITY = {"deny": (13, "WARN"), "failed": (17, "ERROR"), "error": (17, "ERROR")}


def to_otlp(record: AuditRecord) -> dict[str, Any]:
    """Return one `ExportLogsServiceRequest` that holds the record; a collector's file receiver takes one a line."""
    at = datetime.fromisoformat(record.at).astimezone(UTC)
    nanoseconds = str(int(at.timestamp() * 1000) * 1_000_000)
    number, name = _SEVERITY.get(record.outcome, (9, "INFO"))
    log_record = {
        "timeUnixNano": nanoseconds,
        "observedTimeUnixNano": nanoseconds,
        "severityNumber": number,
        "severityText": name,
        "eventName": f"symbi.audit.{record.kind}",
        "body": {"stringValue": msgspec.json.encode(record.details).decode()},
        "attributes": [
            _attribute("symbi.audit.seq", {"intValue": str(record.seq)}),
            _attribute("symbi.audit.principal", {"stringValue": record.principal}),
            _attribute("symbi.audit.subject", {"stringValue": record.subject}),
            _attribute("symbi.audit.outcome", {"stringValue": record.outcome}),
            _attribute("symbi.audit.previous", {"stringValue": record.previous}),
            _attribute("symbi.audit.hash", {"stringValue": record.hash}),
        ],
    }
    resource = {"attributes": [_attribute("service.name", {"stringValue": "symbi"})]}
    return {
        "resourceLogs": [
            {"resource": resource, "scopeLogs": [{"scope": {"name": "symbi.audit"}, "logRecords": [log_record]}]}
        ]
    }


def _attribute(key: str, value: dict[str, str]) -> dict[str, Any]:
    return {"key": key, "value": value}
