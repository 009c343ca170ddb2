"""Configuration of the plugin `otlp`; the standard environment names win over the file (`environment.py`)."""

from __future__ import annotations

from typing import Literal

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["OtlpConfig", "Signal"]

Signal = Literal["metrics", "traces"]


class OtlpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.otlp]`."""

    endpoint: str = "http://localhost:4317"
    """Where the collector listens; for HTTP the path `/v1/metrics` or `/v1/traces` is added where there is none. `http://` means without TLS."""
    metrics_endpoint: str = ""
    """Where metrics go instead, used as it is."""
    traces_endpoint: str = ""
    """Where traces go instead, used as it is."""
    protocol: Literal["grpc", "http/protobuf"] = "grpc"
    """The transport."""
    headers: dict[str, Secret] = {}
    """Headers of every export, for example an API key."""
    compression: Literal["none", "gzip"] = "none"
    """The compression of every export."""
    timeout_seconds: float = 10.0
    """The time of one export, retries after 429 and 503 included."""
    certificate: str = ""
    """A file with the certificate authority to trust (PEM)."""
    client_certificate: str = ""
    """A file with the certificate to show (PEM), for mutual TLS."""
    client_key: str = ""
    """A file with its key (PEM)."""
    temporality: Literal["cumulative", "delta"] = "cumulative"
    """Whether counters and histograms are sent as totals or as what came since the last export."""
    service_name: str = "symbi"
    """`service.name` of the resource."""
    resource: dict[str, str] = {}
    """Further attributes of the resource."""
    traces: bool = False
    """Whether a trace of every run is sent."""
    sample_ratio: float = 1.0
    """The share of traces that begin here and are sent; one that came in with a decision keeps it."""
    max_requests_per_second: float = 20.0
    """How many requests a second may begin a trace here, so that a busy server stays quick; runs of schedules and traces of callers are apart."""
    capture_content: bool = False
    """Whether inputs, arguments and results are attributes of spans; secrets in them are masked."""
    semantic_conventions: Literal["latest", "1.36"] = "latest"
    """Which edition of the GenAI conventions names the attributes of agent, tool and model spans."""

    def __post_init__(self) -> None:
        if not 0 <= self.sample_ratio <= 1:
            raise ValueError("sample_ratio must be from 0 to 1")
        if self.max_requests_per_second <= 0:
            raise ValueError("max_requests_per_second must be more than 0")
        if self.timeout_seconds <= 0:
            raise ValueError("timeout_seconds must be more than 0")
        for name in ("endpoint", "metrics_endpoint", "traces_endpoint"):
            value = getattr(self, name)
            if (value or name == "endpoint") and not value.startswith(("http://", "https://")):
                raise ValueError(f"{name} must begin with http:// or https://")
        if bool(self.client_certificate) != bool(self.client_key):
            raise ValueError("client_certificate and client_key belong together")
