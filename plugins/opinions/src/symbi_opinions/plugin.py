"""What the plugin `opinions` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Offer, hookimpl

__all__: list[str] = []


@hookimpl
def review_analyzers() -> Iterator[Offer]:
    yield Offer(
        name="bandit",
        open="symbi_opinions.bandit:open_bandit",
        config="symbi_opinions.config:OpinionsConfig",
        summary="bandit on Python sources, `nosec` ignored.",
    )
    yield Offer(
        name="detect-secrets",
        open="symbi_opinions.secrets:open_secrets",
        config="symbi_opinions.config:OpinionsConfig",
        summary="detect-secrets on any source, its allow-list pragma ignored.",
    )
