"""The service: which paths are declared, and what a request to one of them starts."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentService
from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import InvalidRequest, NotFound, PayloadTooLarge, Unauthorized
from symbi.contracts.health import Health, healthy
from symbi.contracts.policy import Gate
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunOptions, RunService
from symbi.contracts.secret import Secret
from symbi_webhooks.config import WebhooksConfig
from symbi_webhooks.filtering import admits, steps_of
from symbi_webhooks.signing import verified

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Webhook", "Webhooks", "open_webhooks"]

_PREFIXES = ("/hooks/", "/webhooks/")
_EVENTS = {"github": "x-github-event", "slack": "", "stripe": "", "custom": "x-symbi-event"}


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One declared webhook, its secret resolved."""

    name: str
    source: str
    path: str
    provider: str
    agent: str
    secret: Secret | None
    steps: list[str | int]
    equals: str | None = None
    contains: str | None = None


class Webhooks:
    """Takes `webhook` blocks; they live as long as their files, which are read at every start."""

    declaration_kinds = frozenset({"webhook"})

    def __init__(self, config: WebhooksConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._by_path: dict[str, Webhook] = {}

    async def reconcile(
        self, source: str, kind: str, declarations: Sequence[dict[str, Any]], *, owner: Principal
    ) -> Sequence[str]:
        """Serve exactly what the file declares; return one sentence for each block at fault."""
        self._by_path = {path: hook for path, hook in self._by_path.items() if hook.source != source}
        faults = []
        for block in declarations:
            try:
                hook = self._read(source, block)
                self._by_path[hook.path] = hook
            except InvalidRequest as error:
                faults.append(f"webhook {block.get('name')!r} (line {block.get('line', '?')}): {error}")
        return faults

    async def take(self, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Check a request and start its agent; return `run_id` and `status`.

        Raises `NotFound`, `PayloadTooLarge`, `Unauthorized`, `InvalidRequest` for a body that is no JSON, and what `RunService.start` raises.
        """
        hook = self._by_path.get(path)
        if hook is None:
            raise NotFound(f"no webhook is declared at {path!r}")
        if len(body) > self._config.max_body_bytes:
            raise PayloadTooLarge(f"a webhook takes at most {self._config.max_body_bytes} bytes")
        signature = self._check(hook, headers, body)
        payload = _decoded(body)
        if hook.steps and not admits(payload, steps=hook.steps, equals=hook.equals, contains=hook.contains):
            await self._record(hook, "ignored", signature)
            return {"run_id": "", "status": "ignored"}
        event_id = _event_id(hook.provider, headers, payload) or signature or hashlib.sha256(body).hexdigest()
        return await self._start(hook, headers, payload, event_id)

    def health(self) -> Health:
        """Return how many paths are served."""
        return healthy(webhooks=len(self._by_path))

    def _read(self, source: str, block: dict[str, Any]) -> Webhook:
        path = str(block.get("path") or "").rstrip("/")
        if not path.startswith(_PREFIXES):
            raise InvalidRequest(f"the path {path!r} must begin with {' or '.join(_PREFIXES)}")
        if path in self._by_path:
            raise InvalidRequest(f"the path {path!r} is declared twice", hint="give each webhook a path of its own")
        if not block.get("agent"):
            raise InvalidRequest("it names no agent")
        try:
            steps = steps_of(block["json_path"]) if block.get("json_path") else []
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        return Webhook(
            name=block["name"],
            source=source,
            path=path,
            provider=block.get("provider") or "custom",
            agent=block["agent"],
            secret=self._secret(block),
            steps=steps,
            equals=block.get("equals"),
            contains=block.get("contains"),
        )

    def _secret(self, block: dict[str, Any]) -> Secret | None:
        """Return the secret of a block; None only where the block says that nothing can sign."""
        text = str(block.get("secret") or "")
        if not text:
            if block.get("unsigned") and block.get("provider", "custom") == "custom":
                return None
            raise InvalidRequest("without a secret anybody could call it", hint="give a secret")
        if text in self._config.secrets:
            return self._config.secrets[text]
        if text.startswith("env:"):
            found = self._context.environ.get(text[4:], "")
            if not found:
                raise InvalidRequest(f"the environment variable {text[4:]} is not set")
            return Secret(found)
        if "://" in text:
            raise InvalidRequest(
                f"nothing stands for {text!r}", hint=f'[webhooks.secrets] "{text}" = {{ env = "NAME" }}'
            )
        return Secret(text)

    def _check(self, hook: Webhook, headers: Mapping[str, str], body: bytes) -> str:
        if hook.secret is None:
            return ""
        now = self._context.clock.now_ms() / 1000
        found = verified(
            hook.provider, headers, body, secret=hook.secret.reveal(), now=now, window=self._config.window_seconds
        )
        if not found:
            raise Unauthorized("The signature is missing, wrong or too old.")
        return found

    async def _start(self, hook: Webhook, headers: Mapping[str, str], payload: Any, event_id: str) -> dict[str, str]:
        agents = self._context.services.get(AgentService)
        agent = await agents.resolve(hook.agent)
        names = {each.name for each in (await agents.spec(agent)).parameters} if agent is not None else set()
        given: Any = {"payload": payload, "event": headers.get(_EVENTS.get(hook.provider, ""), "")}
        if len(names) == 1 and not names & set(given):
            given = {next(iter(names)): payload}
        elif names:
            given = {name: value for name, value in given.items() if name in names}
        options = RunOptions(
            trigger="webhook", surface="webhook", origin={"surface": "webhook", "webhook": hook.name, "event_id": event_id[:200]},
            idempotency_key=hashlib.sha256(f"{hook.path}:{event_id}".encode("utf-8", "surrogatepass")).hexdigest(),
        )  # fmt: skip
        principal = Principal(
            id=f"system:webhook:{hook.name}",
            kind="system",
            agents=frozenset({agent.id}) if agent is not None else frozenset(),
        )
        run = await self._context.services.get(RunService).start(
            hook.agent, given, principal=principal, options=options
        )
        await self._record(hook, "started", event_id, run_id=run.run_id)
        return {"run_id": run.run_id, "status": "started"}

    async def _record(self, hook: Webhook, outcome: str, event_id: str, **details: Any) -> None:
        log = self._context.services.maybe(AuditLog)
        if log is not None:
            facts = {"event_id": event_id[:200], "agent": hook.agent, "provider": hook.provider, **details}
            await log.append(
                "webhook.received", principal=f"system:webhook:{hook.name}", subject=hook.path, outcome=outcome, details=facts
            )  # fmt: skip


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("The body is not valid JSON.", code="INVALID_JSON") from None


def _event_id(provider: str, headers: Mapping[str, str], payload: Any) -> str:
    if provider == "stripe":
        found = payload.get("id") if isinstance(payload, dict) else None
        return found if isinstance(found, str) else ""
    return headers.get({"github": "x-github-delivery", "custom": "idempotency-key"}.get(provider, ""), "")


@asynccontextmanager
async def open_webhooks(config: WebhooksConfig, context: PluginContext) -> AsyncIterator[Webhooks]:
    """Open the taker; the agents' files are read once everything is open."""
    gate = context.services.maybe(Gate)
    if gate is not None:
        gate.register_surface("webhook")
    yield Webhooks(config, context)
