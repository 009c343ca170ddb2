"""The SDK's OTLP exporters, built from our configuration; loaded on first use, called beside the loop, their failures told."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from symbi.contracts.errors import ConfigError, Unavailable
from symbi.contracts.masking import mask_text
from symbi_otlp.aside import aside, overheard
from symbi_otlp.config import OtlpConfig, Signal

__all__ = ["Transport", "resource_of"]

_log = logging.getLogger("symbi.otlp")
_CLOSE_SECONDS = 1.0


class Transport:
    """One SDK exporter for one signal; one export at a time."""

    def __init__(self, config: OtlpConfig, signal: Signal) -> None:
        self._config = config
        self._signal = signal
        self._exporter: Any = None
        self._busy = threading.Lock()
        self.endpoint = getattr(config, f"{signal}_endpoint") or config.endpoint
        self.rejected = 0
        """Points or spans that the other side took note of and refused (partial success)."""

    def check(self) -> None:
        """Raise `ConfigError` for certificate files that cannot be read."""
        for name in ("certificate", "client_certificate", "client_key"):
            path = getattr(self._config, name)
            if path and not Path(path).is_file():
                raise ConfigError(f"plugins.otlp.{name}: {path} cannot be read", path=f"plugins.otlp.{name}")

    async def send(self, data: Any) -> None:
        """Hand `data` to the endpoint; raises `Unavailable` with the library's own words where it did not arrive."""
        try:
            failure = await aside(self._send, data)
        except Exception as error:
            failure = f"{type(error).__name__}: {mask_text(str(error))[:500]}"
        if failure:
            raise Unavailable(
                f"{self.endpoint}: {failure}",
                hint="check [plugins.otlp] endpoint and protocol, and that the collector is up",
            )

    async def close(self) -> None:
        """Close the connection, which ends a retry or a gRPC call under way; what was given is already sent or failed."""
        if self._exporter is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await aside(self._exporter.shutdown)

    def _send(self, data: Any) -> str:
        if not self._busy.acquire(blocking=False):
            return "the export before is still under way"
        try:
            with overheard() as said:
                if self._exporter is None:
                    make = _http if self._config.protocol == "http/protobuf" else _grpc
                    self._exporter = make(self._config, self._signal, self.endpoint, self._note)
                result = self._exporter.export(data)
            if result.name == "SUCCESS":
                return ""
            return said[-1] if said else "the export failed"
        finally:
            self._busy.release()

    def _note(self, answer: Any) -> None:
        """Take note of a partial success: it must not be retried, and the user must hear of it (OTLP specification)."""
        partial = answer.partial_success
        rejected = int(getattr(partial, "rejected_data_points", 0) or getattr(partial, "rejected_spans", 0))
        self.rejected += rejected
        if rejected or partial.error_message:
            words = mask_text(partial.error_message)[:500]
            _log.warning("%s took %s but refused %d: %s", self.endpoint, self._signal, rejected, words)


def resource_of(config: OtlpConfig, *, version: str, instance: str) -> Any:
    """Return the resource: service name, version, instance, and what the configuration adds."""
    from opentelemetry.sdk.resources import Resource

    own = {"service.name": config.service_name, "service.version": version, "service.instance.id": instance}
    return Resource.create({**own, **config.resource})


def _http(config: OtlpConfig, signal: Signal, endpoint: str, note: Any) -> Any:
    import requests
    from opentelemetry.exporter.otlp.proto.http import Compression

    if signal == "metrics":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Exporter
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse as Answer
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Exporter  # type: ignore[assignment]  # the same constructor
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse as Answer

    def look(response: requests.Response, **_: Any) -> None:
        if response.ok and response.content:
            with suppress(Exception):  # an answer that cannot be read is no failure of an export that arrived
                note(Answer.FromString(response.content))

    class Session(requests.Session):
        """One whose configured authority is not replaced by REQUESTS_CA_BUNDLE, as the plain one's is; proxies of the environment are kept."""

        def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
            settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
            return {**settings, "verify": config.certificate} if config.certificate else settings

    session = Session()
    session.hooks["response"].append(look)
    return Exporter(
        endpoint=_with_path(config, signal, endpoint),
        headers=_headers(config),
        timeout=config.timeout_seconds,
        compression=Compression.Gzip if config.compression == "gzip" else Compression.NoCompression,
        certificate_file=config.certificate or None,
        client_certificate_file=config.client_certificate or None,
        client_key_file=config.client_key or None,
        session=session,
    )


def _with_path(config: OtlpConfig, signal: Signal, endpoint: str) -> str:
    """Return the URL of the signal: one of its own is used as it is, the common one gets the signal's path (OTLP/HTTP)."""
    if getattr(config, f"{signal}_endpoint") or urlsplit(endpoint).path.endswith(f"/v1/{signal}"):
        return endpoint
    return f"{endpoint.rstrip('/')}/v1/{signal}"


def _grpc(config: OtlpConfig, signal: Signal, endpoint: str, note: Any) -> Any:
    import grpc

    if signal == "metrics":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Exporter
    else:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Exporter  # type: ignore[assignment]  # the same constructor
    insecure = endpoint.startswith("http://")
    credentials = None
    if not insecure:
        credentials = grpc.ssl_channel_credentials(
            _bytes(config.certificate), _bytes(config.client_key), _bytes(config.client_certificate)
        )

    class Noting(Exporter):  # the answers are to be had nowhere else
        def _initialize_channel_and_stub(self) -> None:
            super()._initialize_channel_and_stub()  # type: ignore[no-untyped-call]
            stub: Any = self._client
            call = stub.Export

            def noting(*args: Any, **kwargs: Any) -> Any:
                answer = call(*args, **kwargs)
                note(answer)
                return answer

            stub.Export = noting

    return Noting(
        endpoint=endpoint,
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
