"""The SDK's OTLP exporters, built from our configuration; loaded on first use, called in a thread, their failures told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from symbi.contracts.errors import ConfigError, Unavailable
from symbi.contracts.masking import mask_text
from symbi_otlp.config import OtlpConfig

__all__ = ["Transport", "resource_of"]

Signal = Literal["metrics", "traces"]
_LOGGER = "opentelemetry"


class Transport:
    """One SDK exporter for one signal."""

    def __init__(self, config: OtlpConfig, signal: Signal) -> None:
        self._config = config
        self._signal = signal
        self._exporter: Any = None

    def check(self) -> None:
        """Raise `ConfigError` for certificate files that cannot be read."""
        for name in ("certificate", "client_certificate", "client_key"):
            path = getattr(self._config, name)
            if path and not Path(path).is_file():
                raise ConfigError(f"plugins.otlp.{name}: {path} cannot be read", path=f"plugins.otlp.{name}")

    async def send(self, data: Any) -> None:
        """Hand `data` to the endpoint; raises `Unavailable` with the library's own words where it did not arrive."""
        failure = await asyncio.to_thread(self._send, data)
        if failure:
            raise Unavailable(
                f"{self._config.endpoint}: {failure}",
                hint="check [plugins.otlp] endpoint and protocol, and that the collector is up",
            )

    async def close(self) -> None:
        """Close the connection; what was given is already sent or failed."""
        if self._exporter is not None:
            await asyncio.to_thread(self._exporter.shutdown)

    def _send(self, data: Any) -> str:
        if self._exporter is None:
            self._exporter = (
                _http(self._config, self._signal)
                if self._config.protocol == "http/protobuf"
                else _grpc(self._config, self._signal)
            )
        with _listening() as said:
            result = self._exporter.export(data)
        if result.name == "SUCCESS":
            return ""
        return said[-1] if said else "the export failed"


def resource_of(config: OtlpConfig, *, version: str, instance: str) -> Any:
    """Return the resource: service name, version, instance, and what the configuration adds."""
    from opentelemetry.sdk.resources import Resource

    own = {"service.name": config.service_name, "service.version": version, "service.instance.id": instance}
    return Resource.create({**own, **config.resource})


def _http(config: OtlpConfig, signal: Signal) -> Any:
    if signal == "metrics":
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Exporter
    else:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Exporter  # type: ignore[assignment]  # the same constructor
    parts = urlsplit(config.endpoint)
    path = parts.path if parts.path not in ("", "/") else ""
    endpoint = config.endpoint if path.endswith(f"/v1/{signal}") else f"{config.endpoint.rstrip('/')}/v1/{signal}"
    return Exporter(
        endpoint=endpoint,
        headers=_headers(config),
        timeout=config.timeout_seconds,
        compression=Compression.Gzip if config.compression == "gzip" else Compression.NoCompression,
        certificate_file=config.certificate or None,
        client_certificate_file=config.client_certificate or None,
        client_key_file=config.client_key or None,
    )


def _grpc(config: OtlpConfig, signal: Signal) -> Any:
    import grpc

    if signal == "metrics":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Exporter
    else:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Exporter  # type: ignore[assignment]  # the same constructor
    insecure = config.endpoint.startswith("http://")
    credentials = None
    if not insecure:
        credentials = grpc.ssl_channel_credentials(
            _bytes(config.certificate), _bytes(config.client_key), _bytes(config.client_certificate)
        )
    return Exporter(
        endpoint=config.endpoint,
        insecure=insecure,
        credentials=credentials,
        headers=tuple((name.lower(), value) for name, value in _headers(config).items()),
        timeout=config.timeout_seconds,
        compression=grpc.Compression.Gzip if config.compression == "gzip" else grpc.Compression.NoCompression,
    )


def _headers(config: OtlpConfig) -> dict[str, str]:
    return {name: value.reveal() for name, value in config.headers.items()}


def _bytes(path: str) -> bytes | None:
    return Path(path).read_bytes() if path else None


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect what the library logs while it exports: it says there, and only there, why an export failed; it does not reach our log."""
    said: list[str] = []
    logger = logging.getLogger(_LOGGER)
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(mask_text(record.getMessage())[:500])  # type: ignore[method-assign]  # a collector, no class needed
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
