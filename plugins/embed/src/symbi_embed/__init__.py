"""Embedders of Symbi: MiniLM on this machine, OpenAI-compatible services, Ollama."""
