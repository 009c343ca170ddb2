"""The settings of inbound webhooks."""

from __future__ import annotations

from typing import Annotated

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["WebhooksConfig"]


class WebhooksConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[webhooks]`."""

    secrets: dict[str, Secret] = {}
    """What the references of `secret:` stand for."""
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 1024 * 1024
    window_seconds: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    """How old a signature with a time may be."""
