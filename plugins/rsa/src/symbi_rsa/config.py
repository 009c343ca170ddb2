"""Settings of the signer: `[plugins.rsa]`."""

from __future__ import annotations

import msgspec

__all__ = ["RsaConfig"]


class RsaConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where keys live and how long they last.

    `directory` is relative to the data directory unless absolute. `passphrase_env` names the environment variable that encrypts private
    keys at rest; unset, they rest on file mode 0600 alone. Bits below 3072 are refused.
    """

    directory: str = "signing"
    bits: int = 3072
    root_days: int = 3650
    issuing_days: int = 1825
    leaf_days: int = 398
    crl_days: int = 30
    organisation: str = "Symbi local tool signing"
    passphrase_env: str = "SYMBI_SIGNING_PASSPHRASE"  # noqa: S105  # the name of a variable, not its value

    def __post_init__(self) -> None:
        if self.bits < 3072:
            raise ValueError("`bits` must be at least 3072")
        if not 1 <= self.leaf_days <= 398:
            raise ValueError("`leaf_days` must be between 1 and 398")
