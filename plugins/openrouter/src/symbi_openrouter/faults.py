"""What a provider's refusals mean to us."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.masking import mask
from symbi.contracts.model_retries import RETRIED_STATUSES
from symbi.contracts.models import ContextOverflow, ModelError, ModelRefused, ModelUnavailable
from symbi.contracts.secret import Secret

__all__ = ["fault_of", "words_of"]

_OVERFLOWS = (
    "context length",
    "context_length",
    "maximum context",
    "context window",
    "too many tokens",
    "prompt is too long",
)
MOST_CHARACTERS = 500


def words_of(body: bytes | Any, key: Secret | None) -> str:
    """Return what the provider says, without the key, bounded."""
    try:
        value = msgspec.json.decode(body) if isinstance(body, bytes) else body
    except msgspec.DecodeError:
        value = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
    if isinstance(value, dict):
        value = value.get("error", value)
    if isinstance(value, dict):
        value = value.get("message", value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if key:
        text = text.replace(key.reveal(), "***")
    return str(mask(text))[:MOST_CHARACTERS]


def fault_of(status: int, words: str, *, provider: str, retry_after: float | None = None) -> ModelError:
    """Return the error for a status and the provider's words."""
    said = f"{provider} answered {status}: {words}"
    if status in (400, 413, 422) and any(part in words.lower() for part in _OVERFLOWS):
        return ContextOverflow(said, status=status)
    if status == 401:
        return ModelUnavailable(said, status=status, hint="check the API key")
    if status == 402:
        return ModelUnavailable(said, status=status, hint="the account with the provider has no credit left")
    if status == 403:
        return ModelRefused(said, status=status)
    if status == 404:
        return ModelUnavailable(said, status=status, hint="check the model's name and the base URL")
    retryable = status in RETRIED_STATUSES
    return ModelError(said, status=status, retryable=retryable, retry_after=retry_after)
