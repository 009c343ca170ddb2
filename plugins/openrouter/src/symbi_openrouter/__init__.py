"""Models behind OpenRouter and behind any server that speaks OpenAI's chat completions."""

from __future__ import annotations

__all__: list[str] = []
