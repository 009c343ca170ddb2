"""A channel's configuration: checked by the platform's own struct, stored with its secrets sealed, shown without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.channels import ChannelPlatform
from symbi.contracts.errors import ConfigError, InvalidRequest
from symbi.kernel.points import CHANNEL_PLATFORMS
from symbi_channels.routing import Routing, split_config
from symbi_channels.vault import Vault, redacted, secret_fields, with_old_secrets

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["ChannelSettings"]

_MOST = 64 * 1024


class ChannelSettings:
    """Reads, seals and shows configurations of channels."""

    def __init__(self, context: PluginContext, vault: Vault) -> None:
        self._context = context
        self._vault = vault

    def platform(self, name: str) -> ChannelPlatform:
        """Return the platform's offer; raises `InvalidRequest` with those that are installed."""
        known = self._context.catalogue(CHANNEL_PLATFORMS)
        if name not in known:
            installed = ", ".join(sorted(known)) or "none"
            raise InvalidRequest(
                f"no channel platform {name!r} is installed (installed: {installed})",
                details={"field": "platform", "installed": sorted(known)},
                hint=f"pip install symbi-{name}" if name in ("slack", "teams", "mattermost") else None,
            )
        found: ChannelPlatform = known[name]
        return found

    def read(self, platform: str, stored: dict[str, Any]) -> tuple[Routing, Any]:
        """Return a stored configuration as the two structs that it fills; raises `InvalidRequest` naming the field."""
        return self._convert(platform, self._vault.unseal(stored))

    def seal(self, platform: str, given: dict[str, Any], *, old: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check a configuration and return it as it is stored; secrets left out keep their `old` value.

        Raises `InvalidRequest` naming the field.
        """
        secrets = self._secrets(platform)
        clear = {name: _reference(value) if name in secrets else value for name, value in given.items()}
        if old is not None:
            clear = with_old_secrets(clear, self._vault.unseal(old), secrets)
        if len(msgspec.json.encode(clear)) > _MOST:
            raise InvalidRequest(f"config is larger than {_MOST} bytes", details={"field": "config"})
        self._convert(platform, clear)
        return self._vault.seal(clear, secrets)

    def show(self, platform: str, stored: dict[str, Any]) -> dict[str, Any]:
        """Return a stored configuration without its secrets, also where its platform is not installed any more."""
        try:
            secrets = self._secrets(platform)
        except InvalidRequest:
            secrets = frozenset()
        return redacted(stored, secrets)

    def _secrets(self, platform: str) -> frozenset[str]:
        return secret_fields(self.platform(platform).config_type())

    def _convert(self, platform: str, clear: dict[str, Any]) -> tuple[Routing, Any]:
        offer = self.platform(platform)
        shared, own = split_config(clear)
        settings = self._context.settings
        try:
            routing = settings.decode(shared, Routing, "config")
            return routing, settings.decode(own, offer.config_type(), "config")
        except ConfigError as error:
            raise InvalidRequest(error.message, details={"field": error.path}, hint=error.hint) from None


def _reference(value: Any) -> Any:
    """Return `{"env": NAME}` for the text `env:NAME`, in lists too."""
    if isinstance(value, str) and value.startswith("env:") and value[4:].isidentifier():
        return {"env": value[4:]}
    return [_reference(each) for each in value] if isinstance(value, list) else value
