"""The target `email`: one message for each result, over a real SMTP conversation."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import msgspec

from symbi.contracts.delivery import Delivery, DeliveryOutcome
from symbi.contracts.errors import Forbidden, InvalidRequest, Unavailable
from symbi.http.outbound import allowed_address
from symbi.kernel.context import PluginContext
from symbi_deliver.config import DeliverSettings, EmailConfig

__all__ = ["Email", "open_email"]

_TIMEOUT = 30.0


class Email:
    """Implements `Target` for one list of recipients."""

    def __init__(self, config: EmailConfig, settings: DeliverSettings) -> None:
        self._config = config
        self._settings = settings

    async def deliver(self, delivery: Delivery) -> DeliveryOutcome:
        """Send once; the message id is made from the idempotency key, so that a second copy can be recognised."""
        message = self._message(delivery)
        try:
            await allowed_address(
                self._settings.smtp_host,
                self._settings.smtp_port,
                allow_private=self._settings.allow_private_hosts,
                setting="[deliver] allow_private_hosts",
            )
            await asyncio.to_thread(self._send, message)
        except Forbidden as refused:
            return DeliveryOutcome(delivered=False, error=str(refused))
        except Unavailable as unresolved:
            return DeliveryOutcome(delivered=False, error=str(unresolved), retryable=True)
        except smtplib.SMTPResponseException as error:
            retryable = 400 <= error.smtp_code < 500
            return DeliveryOutcome(
                delivered=False,
                error=f"the mail server answered {error.smtp_code}",
                status_code=error.smtp_code,
                retryable=retryable,
            )
        except (smtplib.SMTPException, OSError) as error:
            refused_all = isinstance(error, smtplib.SMTPRecipientsRefused)
            return DeliveryOutcome(delivered=False, error=f"mail: {type(error).__name__}", retryable=not refused_all)
        return DeliveryOutcome(delivered=True, reference=str(message["Message-ID"]))

    def _message(self, delivery: Delivery) -> EmailMessage:
        facts = {"schedule": delivery.schedule or delivery.run_id, "agent": delivery.agent, "status": delivery.status}
        message = EmailMessage()
        subject = self._config.subject
        for name, value in facts.items():
            subject = subject.replace("{" + name + "}", value)
        message["Subject"] = " ".join(subject.split())[:200]
        message["From"] = self._settings.smtp_from
        message["To"] = ", ".join(self._config.to)
        message["Message-ID"] = (
            f"<{delivery.idempotency_key.replace(':', '.')}@{self._settings.smtp_from.rpartition('@')[2] or 'symbi'}>"
        )
        message.set_content(msgspec.json.format(msgspec.json.encode(delivery), indent=2).decode())
        return message

    def _send(self, message: EmailMessage) -> None:
        settings = self._settings
        context = ssl.create_default_context()
        client: smtplib.SMTP
        if settings.smtp_security == "tls":
            client = smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT, context=context)
        else:
            client = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT)
        with client:
            if settings.smtp_security == "starttls":
                client.starttls(context=context)
            if settings.smtp_username and settings.smtp_password is not None:
                client.login(settings.smtp_username, settings.smtp_password.reveal())
            client.send_message(message)


@asynccontextmanager
async def open_email(config: EmailConfig, context: PluginContext) -> AsyncIterator[Email]:
    """Open the target; raises InvalidRequest while no mail server is configured."""
    settings = context.settings.section("deliver", DeliverSettings)
    if not settings.smtp_host or not settings.smtp_from:
        raise InvalidRequest(
            "no mail server is configured",
            hint="set smtp_host and smtp_from in [deliver]",
            details={"field": "delivery"},
        )
    if any("\n" in address or "\r" in address or "@" not in address for address in config.to):
        raise InvalidRequest("an address of `to` is not valid", details={"field": "to"})
    yield Email(config, settings)
