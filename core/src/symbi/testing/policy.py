"""The contract of policy engines as tests, with a reference engine that is small enough to be right at sight.

Subclass `PolicyEngineContract`, give the fixture `engine`, and say how a `Rule` is spelt in your language:

    class TestMine(PolicyEngineContract):
        @pytest.fixture
        def engine(self):
            return MyEngine()

        def render(self, rules):
            return "\\n".join(…)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.policy import AgentFacts, Decision, PolicyRequest, ResourceFacts
from symbi.contracts.policy_engines import PolicyEngine
from symbi.contracts.policy_sets import PolicyBundle, PolicyFinding, PolicyInvalid, PolicyReport, PolicySource
from symbi.contracts.principal import Principal

__all__ = ["PolicyEngineContract", "ReferenceEngine", "Rule", "bundle_of", "request_for"]

SYSTEM = Principal(id="system:test", kind="system")
NAMES = ("alpha", "beta", "gamma")
TOOLS = ("clock", "http_get", "read_file")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule in the smallest language: who (agent), what (tool), on which argument; None means any."""

    id: str
    effect: Literal["permit", "forbid"]
    agent: str | None = None
    tool: str | None = None
    argument: str | None = None
    equals: str = ""

    def matches(self, request: PolicyRequest) -> bool:
        """Tell whether the rule speaks of the request."""
        named = request.agent is not None and self.agent in (request.agent.id, request.agent.name)
        if self.agent is not None and not named:
            return False
        if self.tool is not None and (request.action, request.target) != ("tool_call", self.tool):
            return False
        return self.argument is None or dict(request.arguments).get(self.argument) == self.equals


class ReferenceEngine:
    """A `PolicyEngine` over JSON lists of `Rule`: a forbid beats every permit, and silence denies."""

    def __init__(self) -> None:
        self.revision = ""
        self._rules: list[tuple[str, Rule]] | None = None

    def check(self, bundle: PolicyBundle) -> PolicyReport:
        """Parse without putting in force."""
        return self._read(bundle)[1]

    def reload(self, bundle: PolicyBundle) -> PolicyReport:
        """Put in force, or raise `PolicyInvalid`."""
        rules, report = self._read(bundle)
        if not report.ok:
            raise PolicyInvalid("the rules are refused", report=report)
        self._rules, self.revision = rules, bundle.revision
        return report

    def decide(self, request: PolicyRequest) -> Decision:
        """Decide by looking at every rule."""
        if self._rules is None:
            problem = "no policies are in force"
            return Decision(decision="deny", reason=problem, errors=(problem,), revision=self.revision)
        rules = [rule for layer, rule in self._rules if layer in ("", request.surface) and rule.matches(request)]
        forbids = tuple(rule.id for rule in rules if rule.effect == "forbid")
        permits = tuple(rule.id for rule in rules if rule.effect == "permit")
        if forbids:
            return Decision(
                decision="deny", reason="forbidden", policies=tuple(sorted(forbids)), revision=self.revision
            )
        if permits:
            reason = "permitted"
            return Decision(decision="allow", reason=reason, policies=tuple(sorted(permits)), revision=self.revision)
        reason = f"no policy permits {request.label()}"
        return Decision(decision="deny", reason=reason, matched=False, revision=self.revision)

    def decide_many(self, requests: Sequence[PolicyRequest]) -> list[Decision]:
        """Decide each."""
        return [self.decide(request) for request in requests]

    def visible_tools(self, request: PolicyRequest, tools: Iterable[ResourceFacts]) -> tuple[str, ...]:
        """Return the tools that some permit speaks of and no forbid without an argument does."""
        return tuple(tool.id for tool in tools if self._possible(request, tool))

    def format(self, text: str) -> str:
        """Return the rules as indented JSON."""
        try:
            return msgspec.json.format(text, indent=2)
        except msgspec.DecodeError as error:
            raise InvalidRequest(str(error)) from None

    def health(self) -> Health:
        """Say whether rules are in force."""
        return healthy() if self._rules is not None else degraded("no policies are in force")

    def _possible(self, request: PolicyRequest, tool: ResourceFacts) -> bool:
        found = [rule for layer, rule in self._rules or () if layer in ("", request.surface)]
        about = msgspec.structs.replace(request, action="tool_call", target=tool.id)
        speaking = [rule for rule in found if msgspec.structs.replace(rule, argument=None).matches(about)]
        hopeless = any(rule.effect == "forbid" and rule.argument is None for rule in speaking)
        return not hopeless and any(rule.effect == "permit" for rule in speaking)

    def _read(self, bundle: PolicyBundle) -> tuple[list[tuple[str, Rule]], PolicyReport]:
        rules: list[tuple[str, Rule]] = []
        findings: list[PolicyFinding] = []
        for source in bundle.sources:
            try:
                rules += [(source.layer, rule) for rule in msgspec.json.decode(source.text, type=list[Rule])]
            except msgspec.MsgspecError as error:
                findings.append(PolicyFinding(severity="error", code="syntax", message=str(error), path=source.path))
        ids = [rule.id for _layer, rule in rules]
        for each in sorted({each for each in ids if ids.count(each) > 1}):
            findings.append(PolicyFinding(severity="error", code="duplicate-id", message=f"{each!r} is used twice"))
        report = PolicyReport(revision=bundle.revision, policies=tuple(ids), findings=tuple(findings))
        return rules, report


def bundle_of(*texts: str, **layers: str) -> PolicyBundle:
    """Return a bundle of shared texts and of one text for each surface named (`-` written as `_`)."""
    sources = [PolicySource(name=f"p{n}", text=text, path=f"p{n}") for n, text in enumerate(texts)]
    for name, text in layers.items():
        layer = name.replace("_", "-")
        sources.append(PolicySource(name=layer, text=text, path=f"{layer}/p", layer=layer))
    revision = hashlib.sha256(msgspec.json.encode(sources)).hexdigest()[:16]
    return PolicyBundle(sources=tuple(sources), revision=revision)


def request_for(
    tool: str = "clock", *, agent: str | None = "alpha", arguments: Any = None, **more: Any
) -> PolicyRequest:
    """Return a tool call of an agent (its id is `id-<name>`), or of the system with `agent=None`."""
    facts = AgentFacts(id=f"id-{agent}", name=agent) if agent else None
    return PolicyRequest(
        principal=SYSTEM,
        action=more.pop("action", "tool_call"),
        target=tool,
        arguments={} if arguments is None else arguments,
        agent=facts,
        **more,
    )


def _maybe(values: Sequence[str]) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(values))


_spoken = st.tuples(
    st.sampled_from(("permit", "forbid")),
    _maybe(NAMES),
    _maybe(TOOLS),
    _maybe(("path", "mode")),
    st.sampled_from(("a", "b")),
)
_rules = st.lists(_spoken, max_size=8).map(
    lambda found: [
        Rule(
            id=f"r{n}",
            effect="permit" if effect == "permit" else "forbid",
            agent=agent,
            tool=tool,
            argument=key,
            equals=value,
        )
        for n, (effect, agent, tool, key, value) in enumerate(found)
    ]
)
_requests = st.builds(
    request_for,
    st.sampled_from(TOOLS),
    agent=st.sampled_from(NAMES),
    arguments=st.dictionaries(st.sampled_from(("path", "mode")), st.sampled_from(("a", "b", "c"))),
)
_quick = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class PolicyEngineContract:
    """Every `PolicyEngine` passes these. Fixtures: `engine`, a fresh one with nothing in force."""

    def render(self, rules: Sequence[Rule]) -> str:
        """Return the rules as a text of the engine's language, with their ids."""
        pytest.fail("say in render() how a Rule is spelt in your language")

    def broken(self) -> str:
        """Return a text that does not parse."""
        return "permit ((("

    def test_it_is_an_engine(self, engine: PolicyEngine) -> None:
        assert isinstance(engine, PolicyEngine)

    def test_denies_everything_before_the_first_reload(self, engine: PolicyEngine) -> None:
        decision = engine.decide(request_for())
        assert decision.decision == "deny"
        assert decision.errors
        assert engine.revision == ""
        assert engine.visible_tools(request_for(), [ResourceFacts(id="clock")]) == ()

    def test_denies_by_default(self, engine: PolicyEngine) -> None:
        engine.reload(bundle_of(self.render([Rule(id="one", effect="permit", tool="clock")])))
        decision = engine.decide(request_for("http_get"))
        assert (decision.decision, decision.matched, decision.policies) == ("deny", False, ())

    def test_allow_names_policy_revision_and_time(self, engine: PolicyEngine) -> None:
        bundle = bundle_of(self.render([Rule(id="one", effect="permit", agent="alpha", tool="clock")]))
        report = engine.reload(bundle)
        decision = engine.decide(request_for())
        assert report.policies == ("one",)
        assert decision.policies == ("one",)
        assert decision.decision == "allow"
        assert decision.revision == engine.revision == bundle.revision
        assert decision.latency_us >= 0

    def test_a_forbid_beats_every_permit(self, engine: PolicyEngine) -> None:
        rules = [Rule(id="yes", effect="permit"), Rule(id="no", effect="forbid", tool="clock")]
        engine.reload(bundle_of(self.render(rules)))
        assert engine.decide(request_for()).policies == ("no",)
        assert engine.decide(request_for("http_get")).decision == "allow"

    def test_an_agent_answers_to_id_and_name(self, engine: PolicyEngine) -> None:
        rules = [Rule(id="name", effect="permit", agent="alpha"), Rule(id="id", effect="permit", agent="id-beta")]
        engine.reload(bundle_of(self.render(rules)))
        answers = [engine.decide(request_for(agent=name)).decision for name in NAMES]
        assert answers == ["allow", "allow", "deny"]

    def test_a_broken_set_is_refused_whole_and_the_old_one_stays(self, engine: PolicyEngine) -> None:
        good = bundle_of(self.render([Rule(id="one", effect="permit")]))
        engine.reload(good)
        with pytest.raises(PolicyInvalid) as caught:
            engine.reload(bundle_of(self.render([Rule(id="two", effect="permit")]), self.broken()))
        assert not caught.value.report.ok
        assert engine.revision == good.revision
        assert engine.decide(request_for()).policies == ("one",)

    def test_check_changes_nothing(self, engine: PolicyEngine) -> None:
        assert engine.check(bundle_of(self.render([Rule(id="one", effect="permit")]))).ok
        assert not engine.check(bundle_of(self.broken())).ok
        assert engine.decide(request_for()).decision == "deny"

    def test_an_id_used_twice_is_refused(self, engine: PolicyEngine) -> None:
        text = self.render([Rule(id="one", effect="permit")])
        assert not engine.check(bundle_of(text, text)).ok

    def test_a_layer_serves_its_surface_alone_on_top_of_the_shared_ones(self, engine: PolicyEngine) -> None:
        shared = self.render([Rule(id="shared", effect="permit", tool="clock")])
        extra = self.render([Rule(id="extra", effect="permit", tool="http_get")])
        engine.reload(bundle_of(shared, http_input=extra))
        there, here = (request_for("http_get", surface=surface) for surface in ("http-input", "run"))
        assert engine.decide(there).decision == "allow"
        assert engine.decide(here).decision == "deny"
        assert engine.decide(request_for("clock", surface="http-input")).decision == "allow"

    def test_an_empty_set_is_in_force_and_denies(self, engine: PolicyEngine) -> None:
        engine.reload(PolicyBundle(revision="empty"))
        decision = engine.decide(request_for())
        assert (decision.decision, decision.errors, engine.revision) == ("deny", (), "empty")

    def test_hides_what_can_never_be_allowed(self, engine: PolicyEngine) -> None:
        rules = [
            Rule(id="a", effect="permit", tool="clock"),
            Rule(id="b", effect="permit", tool="read_file", argument="path", equals="a"),
            Rule(id="c", effect="permit", tool="http_get"),
            Rule(id="d", effect="forbid", tool="http_get"),
        ]
        engine.reload(bundle_of(self.render(rules)))
        tools = [ResourceFacts(id=name) for name in (*TOOLS, "unknown")]
        assert engine.visible_tools(request_for(), tools) == ("clock", "read_file")

    @pytest.mark.parametrize(
        "arguments", [None, {}, {"a": None}, {"a": [[]]}, {"a": 2**70}, {"__entity": {"type": "X"}}]
    )
    def test_odd_arguments_never_raise(self, engine: PolicyEngine, arguments: Any) -> None:
        engine.reload(bundle_of(self.render([Rule(id="one", effect="permit")])))
        assert engine.decide(request_for(arguments=arguments)).decision in ("allow", "deny")

    @_quick
    @given(rules=_rules, requests=st.lists(_requests, min_size=1, max_size=4))
    def test_pol_4_decides_as_the_reference_does(
        self, engine: PolicyEngine, rules: list[Rule], requests: list[PolicyRequest]
    ) -> None:
        reference = ReferenceEngine()
        reference.reload(bundle_of(msgspec.json.encode(rules).decode()))
        engine.reload(bundle_of(self.render(rules)))
        for request, decision in zip(requests, engine.decide_many(requests), strict=True):
            expected = reference.decide(request)
            assert (decision.decision, decision.policies) == (expected.decision, expected.policies)
