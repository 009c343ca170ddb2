"""The configuration of the plugin, `[secrets]`."""

from __future__ import annotations

import msgspec

__all__ = ["SecretsConfig"]


class SecretsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the secret store.

    `environment`: names of environment variables that agents may name as secrets; no other variable is ever given out.
    `directory`: where the encrypted file is, relative to the data directory; empty means `secrets/`.
    """

    environment: tuple[str, ...] = ()
    directory: str = ""
