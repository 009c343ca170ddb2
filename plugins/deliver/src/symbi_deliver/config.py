"""`[deliver]`, and what a schedule says of each target."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from symbi.contracts.secret import Secret

__all__ = ["DeliverSettings", "EmailConfig", "FileConfig", "StdoutConfig", "WebhookConfig"]

_Text = Annotated[str, Meta(min_length=1, max_length=2000)]


class DeliverSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[deliver]`: what the operator allows and provides."""

    directory: str = ""
    """Folder of the file target; empty = `deliveries` in the data directory."""
    allow_private_hosts: bool = False
    """Let webhooks and mail go to loopback and private addresses."""
    smtp_host: str = ""
    """Mail server; empty = no mail."""
    smtp_port: int = 587
    """Its port."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is protected."""
    smtp_username: str = ""
    """User name; empty = no login."""
    smtp_password: Secret | None = None
    """Password, `{ env = "NAME" }`."""
    smtp_from: str = ""
    """Sender address."""


class WebhookConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook: where, how, and the secret that signs."""

    url: _Text
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, str] = {}
    secret: Secret | None = None
    timeout_seconds: Annotated[float, Meta(gt=0, le=60)] = 30.0


class FileConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file below the deliveries directory."""

    path: _Text = "results.jsonl"


class EmailConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Recipients and subject; `{schedule}`, `{agent}` and `{status}` are filled in."""

    to: Annotated[tuple[_Text, ...], Meta(min_length=1, max_length=20)]
    subject: _Text = "{schedule}: {status}"


class StdoutConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to say."""
