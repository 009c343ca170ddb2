"""The extension points: each ties a hook to the type of declaration it yields."""

from __future__ import annotations

from dataclasses import dataclass

from symbi.contracts.offers import Ref, load

__all__ = [
    "AGENT_EXECUTORS",
    "AGENT_LANGUAGES",
    "CHANNEL_PLATFORMS",
    "COMMANDS",
    "DELIVERY_TARGETS",
    "EFFECT_HANDLERS",
    "EMBEDDERS",
    "EVENT_LISTENERS",
    "EXPORTERS",
    "HEALTH_CHECKS",
    "LLM_PROVIDERS",
    "METRICS_SOURCES",
    "POINTS",
    "POLICY_ENGINES",
    "REVIEW_ANALYZERS",
    "ROUTES",
    "RUN_ENGINES",
    "SCANNER_RULES",
    "SERVICES",
    "SIGNERS",
    "TABLES",
    "TOOLS",
    "VECTOR_BACKENDS",
    "ExtensionPoint",
]


@dataclass(frozen=True)
class ExtensionPoint:
    """One hook, the struct type that its offers must be, the noun for messages, the attribute that must be unique, and how it fails.

    `security` marks the points where a broken offer means refusing rather than going on without. `shared` names may recur (figures for one block).
    """

    hook: str
    offer: Ref
    noun: str
    key: str = "name"
    security: bool = False
    shared: bool = False

    def offer_type(self) -> type:
        """Return the struct type of the offers, importing its contract on first use."""
        found: type = load(self.offer)
        return found


def _point(hook: str, offer: str, noun: str, **more: bool | str) -> ExtensionPoint:
    return ExtensionPoint(hook, f"symbi.contracts.{offer}", noun, **more)  # type: ignore[arg-type]  # keyword subset of the fields


EXPORTERS = _point("exporters", "metrics:Exporter", "exporter")
SCANNER_RULES = _point("scanner_rules", "scanner:ScannerRule", "scanner rule", key="id", security=True)
VECTOR_BACKENDS = _point("vector_backends", "vectors:VectorBackend", "vector backend")
CHANNEL_PLATFORMS = _point("channel_platforms", "channels:ChannelPlatform", "channel platform")
POLICY_ENGINES = _point("policy_engines", "policy_engines:PolicyEngineOffer", "policy engine", security=True)
EMBEDDERS = _point("embedders", "embedders:EmbedderOffer", "embedder")
LLM_PROVIDERS = _point("llm_providers", "models:ModelProvider", "model provider")
AGENT_LANGUAGES = _point("agent_languages", "languages:AgentLanguage", "agent language")
AGENT_EXECUTORS = _point("agent_executors", "executors:ExecutorOffer", "executor")
RUN_ENGINES = _point("run_engines", "offers:Offer", "run engine")
TOOLS = _point("tools", "tools:Toolset", "toolset")
EFFECT_HANDLERS = _point("effect_handlers", "effects:EffectHandler", "effect handler", key="kind")
SIGNERS = _point("signers", "offers:Offer", "signer", security=True)
REVIEW_ANALYZERS = _point("review_analyzers", "offers:Offer", "review analyzer", security=True)
DELIVERY_TARGETS = _point("delivery_targets", "delivery:DeliveryTarget", "delivery target")
SERVICES = _point("services", "offers:Service", "service")
ROUTES = _point("routes", "offers:RouteGroup", "route group")
COMMANDS = _point("commands", "offers:Command", "command")
TABLES = _point("tables", "offers:Tables", "set of tables")
EVENT_LISTENERS = _point("event_listeners", "offers:EventListener", "event listener")
HEALTH_CHECKS = _point("health_checks", "offers:HealthCheck", "health check")
METRICS_SOURCES = _point("metrics_sources", "offers:MetricsSource", "metrics source", shared=True)

POINTS: dict[str, ExtensionPoint] = {
    point.hook: point for point in list(globals().values()) if isinstance(point, ExtensionPoint)
}
