"""The standard `OTEL_*` names: what they say wins over the file, and a name of one signal over the name of all (OTLP exporter specification)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.secret import Secret
from symbi_otlp.config import OtlpConfig, Signal

__all__ = ["disabled", "with_environment"]

_BASE = "OTEL_EXPORTER_OTLP_"
_PLAIN = {"CERTIFICATE": "certificate", "CLIENT_CERTIFICATE": "client_certificate", "CLIENT_KEY": "client_key"}
_CHOICES = {
    "PROTOCOL": ("protocol", ("grpc", "http/protobuf")),
    "COMPRESSION": ("compression", ("none", "gzip")),
}
_TEMPORALITY = {"cumulative": "cumulative", "delta": "delta", "lowmemory": "delta"}


def disabled(environ: Mapping[str, str]) -> bool:
    """Tell whether `OTEL_SDK_DISABLED` turns OpenTelemetry off."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def with_environment(config: OtlpConfig, environ: Mapping[str, str], signal: Signal = "metrics") -> OtlpConfig:
    """Return the configuration of one signal with what `OTEL_*` says; raises `ConfigError` for a value that is not understood."""
    changes: dict[str, Any] = {}
    if own := environ.get(f"{_BASE}{signal.upper()}_ENDPOINT"):
        changes[f"{signal}_endpoint"] = own
    elif endpoint := environ.get(f"{_BASE}ENDPOINT"):
        changes |= {"endpoint": endpoint, f"{signal}_endpoint": ""}

    def said(name: str) -> tuple[str, str]:
        own = f"{_BASE}{signal.upper()}_{name}"
        chosen = own if environ.get(own) else f"{_BASE}{name}"
        return chosen, environ.get(chosen, "")

    for name, field in _PLAIN.items():
        if value := said(name)[1]:
            changes[field] = value
    for name, (field, known) in _CHOICES.items():
        variable, value = said(name)
        if value:
            changes[field] = _one_of(variable, value, known)
    if headers := said("HEADERS")[1]:
        changes["headers"] = {name: Secret(value) for name, value in _pairs(headers).items()}
    variable, value = said("TIMEOUT")
    if value:
        changes["timeout_seconds"] = _positive(variable, value)
    changes |= _resource(config, environ) | (_sampling(environ) if signal == "traces" else _temporality(environ))
    return msgspec.structs.replace(config, **changes) if changes else config


def _resource(config: OtlpConfig, environ: Mapping[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if attributes := environ.get("OTEL_RESOURCE_ATTRIBUTES"):
        given = _pairs(attributes)
        if name := given.pop("service.name", ""):
            changes["service_name"] = name
        changes["resource"] = {**config.resource, **given}
    if service := environ.get("OTEL_SERVICE_NAME"):
        changes["service_name"] = service
    return changes


def _temporality(environ: Mapping[str, str]) -> dict[str, Any]:
    variable = f"{_BASE}METRICS_TEMPORALITY_PREFERENCE"
    value = environ.get(variable, "").strip().lower()
    return {"temporality": _TEMPORALITY[_one_of(variable, value, tuple(_TEMPORALITY))]} if value else {}


def _sampling(environ: Mapping[str, str]) -> dict[str, Any]:
    variable = "OTEL_TRACES_SAMPLER"
    sampler = environ.get(variable, "").removeprefix("parentbased_")
    if not sampler:
        return {}
    _one_of(variable, sampler, ("always_on", "always_off", "traceidratio"))
    if sampler != "traceidratio":
        return {"sample_ratio": 1.0 if sampler == "always_on" else 0.0}
    ratio = _positive("OTEL_TRACES_SAMPLER_ARG", environ.get("OTEL_TRACES_SAMPLER_ARG") or "1", zero=True)
    if ratio > 1:
        raise ConfigError("OTEL_TRACES_SAMPLER_ARG must be from 0 to 1", path="plugins.otlp.sample_ratio")
    return {"sample_ratio": ratio}


def _one_of(variable: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ConfigError(
            f"{variable}: {value!r} is not understood here", path="plugins.otlp", hint=f"one of {', '.join(known)}"
        )
    return value


def _positive(variable: str, value: str, *, zero: bool = False) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not (number > 0 or (zero and number == 0)) or number == float("inf"):
        raise ConfigError(f"{variable}: {value!r} is no number above 0", path="plugins.otlp")
    return number


def _pairs(text: str) -> dict[str, str]:
    """Read `name=value,…` with the values percent-encoded, as W3C Baggage writes them."""
    from urllib.parse import unquote

    found = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if equals and name:
            found[name.strip()] = unquote(value.strip())
    return found
