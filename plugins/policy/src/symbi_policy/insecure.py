"""The insecure switch: allows everything, loudly, and never in production (POL-25)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from symbi.contracts.errors import ConfigError
from symbi.contracts.policy import Decision, PolicyRequest

__all__ = ["INSECURE_DECISION", "insecure_switch", "is_production", "warn_of"]

_log = logging.getLogger("symbi.policy")
_TRUE = frozenset({"1", "true", "yes", "on"})
_OTHER_THAN_PRODUCTION = frozenset({"", "development", "dev", "local", "staging", "stage", "preview", "test"})

INSECURE_DECISION = Decision(
    decision="allow", reason="policy is switched off (insecure_allow_all)", policies=(), matched=True
)


def is_production(environ: Mapping[str, str]) -> bool:
    """Tell whether this is production; a name that is not known counts as it (A-25)."""
    return environ.get("SYMBIONT_ENV", "").strip().lower() not in _OTHER_THAN_PRODUCTION


def insecure_switch(configured: bool, environ: Mapping[str, str]) -> bool:
    """Tell whether the switch is on; raises `ConfigError` when it is, in production."""
    on = configured or environ.get("SYMBI_INSECURE_ALLOW_ALL", "").strip().lower() in _TRUE
    if on and is_production(environ):
        raise ConfigError(
            f"policy.insecure_allow_all: refused while SYMBIONT_ENV is {environ.get('SYMBIONT_ENV')!r}",
            path="policy.insecure_allow_all",
            hint="remove it and unset SYMBI_INSECURE_ALLOW_ALL; write policies instead",
        )
    return on


def warn_of(request: PolicyRequest) -> None:
    """Say in the log that an action passed without a decision."""
    _log.warning("INSECURE: %s was allowed because policy is switched off", request.label())


def banner() -> None:
    """Say in the log, at each start, what the switch means."""
    _log.warning("=" * 78)
    _log.warning("INSECURE: policy is switched off. Every agent may do everything.")
    _log.warning('Remove "insecure_allow_all" from [policy] and unset SYMBI_INSECURE_ALLOW_ALL.')
    _log.warning("=" * 78)
