"""What the plugin `deliver` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.delivery import DeliveryTarget

__all__: list[str] = []


@hookimpl
def delivery_targets() -> Iterator[DeliveryTarget]:
    """Files, webhooks, mail, standard output."""
    from symbi.contracts.delivery import DeliveryTarget

    yield DeliveryTarget(
        name="webhook",
        config="symbi_deliver.config:WebhookConfig",
        open="symbi_deliver.webhook:open_webhook",
        table="deliver",
        summary="Sends a result to a URL, signed.",
    )
    yield DeliveryTarget(
        name="file",
        config="symbi_deliver.config:FileConfig",
        open="symbi_deliver.file:open_file",
        table="deliver",
        summary="Appends a result to a file.",
    )
    yield DeliveryTarget(
        name="email",
        config="symbi_deliver.config:EmailConfig",
        open="symbi_deliver.email:open_email",
        table="deliver",
        summary="Sends a result by mail.",
    )
    yield DeliveryTarget(
        name="stdout",
        config="symbi_deliver.config:StdoutConfig",
        open="symbi_deliver.stdout:open_stdout",
        table="deliver",
        summary="Prints a result as one line of JSON.",
    )
