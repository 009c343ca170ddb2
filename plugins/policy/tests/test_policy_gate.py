"""The gate: decisions, defaults, receipts, holds, records (POL-1, POL-6, POL-7, POL-25, POL-50, RSN-1, RSN-10)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.audit import AuditFailed
from symbi.contracts.errors import ConfigError, InvalidRequest, PolicyDenied
from symbi.contracts.policy import (
    AgentFacts,
    Decision,
    Gate,
    Obligation,
    PolicyDecided,
    PolicyHeld,
    PolicyRequest,
    ReceiptRefused,
    action_hash,
)
from symbi.contracts.principal import LOCAL_ADMIN, Principal
from symbi.testing.policy import ReferenceEngine, Rule, request_for

CLOCK = Rule(id="clock", effect="permit", tool="clock")
NET = Rule(id="net", effect="forbid", tool="http_get")


def obliged(monkeypatch: pytest.MonkeyPatch, *obligations: Obligation) -> None:
    """Let every permit of the reference engine carry these obligations."""
    plain = ReferenceEngine.decide

    def decide(self: ReferenceEngine, request: PolicyRequest) -> Decision:
        found = plain(self, request)
        return msgspec.structs.replace(found, obligations=obligations) if found.allowed else found

    monkeypatch.setattr(ReferenceEngine, "decide", decide)


async def test_it_is_the_gate_of_the_contract(house: Any) -> None:
    async with house(CLOCK) as h:
        assert isinstance(h.gate, Gate)


async def test_allows_what_is_permitted_and_denies_the_rest(house: Any) -> None:
    async with house(CLOCK, NET) as h:
        assert (await h.gate.decide(request_for("clock"))).decision == "allow"
        assert (await h.gate.decide(request_for("http_get"))).policies == ("net",)
        assert (await h.gate.decide(request_for("read_file"))).matched is False


async def test_pol_50_every_decision_is_recorded_with_masked_arguments(house: Any) -> None:
    async with house(CLOCK) as h:
        await h.gate.decide(request_for("clock", arguments={"api_key": "sk-aaaaaaaaaaaaaaaaaaaaaaaa"}, run_id="r1"))
        with pytest.raises(PolicyDenied):
            await h.gate.authorize(request_for("rm"))
        allowed, denied = h.audit.records
        assert (allowed["kind"], allowed["outcome"], allowed["subject"]) == (
            "policy.decision",
            "allow",
            "tool_call::clock",
        )
        assert allowed["details"]["run_id"] == "r1"
        assert "sk-aaaa" not in str(allowed)
        assert denied["outcome"] == "deny"
        assert denied["details"]["policies"] == []


async def test_pol_50_what_cannot_be_recorded_does_not_happen(house: Any) -> None:
    async with house(CLOCK) as h:
        h.audit.broken = True
        with pytest.raises(AuditFailed):
            await h.gate.admit(request_for("clock"))
    async with house(CLOCK, audit=False) as h:
        with pytest.raises(AuditFailed, match="no audit log"):
            await h.gate.decide(request_for("clock"))
        assert (await h.gate.health()).state == "unhealthy"
    async with house(CLOCK, policy={"audit": "lenient"}) as h:
        h.audit.broken = True
        assert (await h.gate.decide(request_for("clock"))).allowed


async def test_a_large_argument_is_recorded_as_its_hash(house: Any) -> None:
    async with house(CLOCK) as h:
        await h.gate.decide(request_for("clock", arguments={"text": "x" * 10_000}))
        assert set(h.audit.records[0]["details"]["arguments"]) == {"sha256", "size"}


async def test_a_missing_directory_denies_agents_everything_and_says_so(
    house: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with house() as h:
        assert (await h.gate.decide(request_for("clock"))).decision == "deny"
        assert h.gate.status().state == "deny_all"
        assert (await h.gate.health()).state == "degraded"
        assert "there is no policy directory" in caplog.text


async def test_an_agent_may_always_end_its_run_unless_forbidden(house: Any) -> None:
    async with house(CLOCK) as h:
        assert (await h.gate.decide(request_for("", action="respond"))).allowed
    async with house(Rule(id="mute", effect="forbid", agent="alpha")) as h:
        assert not (await h.gate.decide(request_for("", action="respond"))).allowed


async def test_people_may_what_no_policy_forbids_unless_configured(house: Any) -> None:
    create = PolicyRequest(principal=LOCAL_ADMIN, action="agent_create", source="api")
    async with house(CLOCK) as h:
        assert (await h.gate.authorize(create)).allowed
        agent = Principal(id="agent:x", kind="agent")
        with pytest.raises(PolicyDenied):
            await h.gate.authorize(msgspec.structs.replace(create, principal=agent))
        with pytest.raises(PolicyDenied):
            await h.gate.authorize(msgspec.structs.replace(create, source="model"))
    async with house(CLOCK, policy={"operator_default": "deny"}) as h:
        with pytest.raises(PolicyDenied):
            await h.gate.authorize(create)


async def test_bad_policies_at_the_start_deny_even_people(house: Any, tmp_path: Any) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "bad.json").write_text('[{"name": "x", "source": "nonsense"}]')
    async with house() as h:
        with pytest.raises(PolicyDenied):
            await h.gate.authorize(PolicyRequest(principal=LOCAL_ADMIN, action="agent_create", source="api"))
        assert h.gate.status().findings[0].severity == "error"


async def test_rsn_1_a_receipt_is_good_once_and_gives_back_what_was_admitted(house: Any) -> None:
    async with house(CLOCK) as h:
        request = request_for("clock", arguments={"zone": "UTC"})
        receipt = await h.gate.admit(request)
        assert h.gate.redeem(receipt) == request
        with pytest.raises(ReceiptRefused):
            h.gate.redeem(receipt)


@pytest.mark.parametrize(
    "change",
    [
        {"request": request_for("http_get")},
        {"request": request_for("clock", arguments={"zone": "X"})},
        {"action_hash": "0" * 64},
        {"id": "guess"},
        {"policy_revision": "other"},
    ],
)
async def test_rsn_1_a_changed_receipt_is_refused_and_used_up(house: Any, change: dict[str, Any]) -> None:
    async with house(CLOCK) as h:
        receipt = await h.gate.admit(request_for("clock"))
        with pytest.raises(ReceiptRefused):
            h.gate.redeem(msgspec.structs.replace(receipt, **change))


async def test_rsn_1_arguments_changed_in_place_are_noticed(house: Any) -> None:
    async with house(CLOCK) as h:
        arguments = {"zone": "UTC"}
        receipt = await h.gate.admit(request_for("clock", arguments=arguments))
        arguments["zone"] = "elsewhere"
        with pytest.raises(ReceiptRefused):
            h.gate.redeem(receipt)


async def test_a_receipt_dies_of_age_and_of_new_policies(house: Any, fake_clock: Any) -> None:
    async with house(CLOCK, clock=fake_clock) as h:
        old = await h.gate.admit(request_for("clock"))
        await fake_clock.advance(61)
        with pytest.raises(ReceiptRefused) as caught:
            h.gate.redeem(old)
        assert caught.value.error_code == "RECEIPT_STALE"
        fresh = await h.gate.admit(request_for("clock"))
        h.write(CLOCK, NET)
        await h.gate.reload()
        with pytest.raises(ReceiptRefused):
            h.gate.redeem(fresh)


async def test_a_denial_tells_the_model_enough(house: Any) -> None:
    async with house(NET) as h:
        with pytest.raises(PolicyDenied) as caught:
            await h.gate.admit(request_for("http_get"))
        assert caught.value.details["code"] == "policy_denied"
        assert caught.value.details["retryable"] is False


async def test_approvals_that_a_caller_claims_count_for_nothing(house: Any) -> None:
    async with house(CLOCK, policy={"require_approval_tools": ["clock"]}) as h:
        with pytest.raises(PolicyHeld):
            await h.gate.admit(request_for("clock", run_id="r", approvals=("operators",)))


async def test_a_held_action_passes_with_its_approval_and_only_it(house: Any) -> None:
    async with house(CLOCK, environ={"SYMBIONT_REQUIRE_APPROVAL_TOOLS": "clock, rm*"}) as h:
        request = request_for("clock", run_id="r1", call_id="c1", arguments={"zone": "UTC"})
        with pytest.raises(PolicyHeld) as held:
            await h.gate.admit(request)
        first = held.value.approval_id
        with pytest.raises(PolicyHeld):
            await h.gate.admit(request, approval=first)  # still pending
        h.approvals.resolve(first, "approved")
        other = msgspec.structs.replace(request, arguments={"zone": "X"})
        with pytest.raises(PolicyHeld) as again:
            await h.gate.admit(other, approval=first)
        assert again.value.approval_id != first
        assert (await h.gate.admit(request, approval=first)).request.arguments == {"zone": "UTC"}


@pytest.mark.parametrize("change", ["policies", "definition"])
async def test_a_change_after_the_approval_voids_it(house: Any, change: str) -> None:
    async with house(CLOCK, policy={"require_approval_tools": ["*"]}) as h:
        agent = AgentFacts(id="a", name="alpha", revision="1")
        request = msgspec.structs.replace(request_for("clock", run_id="r1"), agent=agent)
        with pytest.raises(PolicyHeld) as held:
            await h.gate.admit(request)
        h.approvals.resolve(held.value.approval_id, "approved")
        if change == "policies":
            h.write(CLOCK, NET)
            await h.gate.reload()
        else:
            request = msgspec.structs.replace(request, agent=msgspec.structs.replace(agent, revision="2"))
        with pytest.raises(PolicyHeld):
            await h.gate.admit(request, approval=held.value.approval_id)


@pytest.mark.parametrize("status", ["denied", "expired", "cancelled"])
async def test_a_refused_or_expired_approval_is_a_denial(house: Any, status: str) -> None:
    async with house(CLOCK, policy={"require_approval_tools": ["clock"]}) as h:
        request = request_for("clock", run_id="r1")
        with pytest.raises(PolicyHeld) as held:
            await h.gate.admit(request)
        h.approvals.resolve(held.value.approval_id, status, resolution_reason="no")
        with pytest.raises(PolicyDenied, match="was not approved: no"):
            await h.gate.admit(request, approval=held.value.approval_id)


async def test_an_edit_is_decided_again(house: Any) -> None:
    only_a = Rule(id="a", effect="permit", tool="read_file", argument="path", equals="a")
    also_b = Rule(id="b", effect="permit", tool="read_file", argument="path", equals="b")
    async with house(only_a, also_b, policy={"require_approval_tools": ["read_file"]}) as h:
        request = request_for("read_file", run_id="r", arguments={"path": "a"})
        with pytest.raises(PolicyHeld) as held:
            await h.gate.admit(request)
        h.approvals.resolve(held.value.approval_id, "approved")
        h.approvals.edited[held.value.approval_id] = {"path": "b"}
        receipt = await h.gate.admit(request, approval=held.value.approval_id)
        assert receipt.request.arguments == {"path": "b"}
        assert receipt.decision.policies == ("b",)
        h.approvals.edited[held.value.approval_id] = {"path": "forbidden"}
        with pytest.raises(PolicyDenied):
            await h.gate.admit(request, approval=held.value.approval_id)


async def test_a_policy_that_denies_anyway_asks_nobody(house: Any) -> None:
    async with house(NET, policy={"require_approval_tools": ["http_get"]}) as h:
        with pytest.raises(PolicyDenied):
            await h.gate.admit(request_for("http_get", run_id="r"))
        assert h.approvals.held == {}


async def test_without_approvals_or_identity_a_hold_is_a_denial(house: Any) -> None:
    async with house(CLOCK, policy={"require_approval_tools": ["clock"]}, approvals=False) as h:
        with pytest.raises(PolicyDenied, match="symbi-approvals"):
            await h.gate.admit(request_for("clock", run_id="r"))
    async with house(CLOCK, policy={"require_approval_tools": ["clock"]}) as h:
        with pytest.raises(PolicyDenied, match="nothing tells this action"):
            await h.gate.admit(request_for("clock"))


async def test_pol_7_redaction_modifies_and_is_gated_again(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    obliged(monkeypatch, Obligation(kind="redact", value="args.path", policy="x"))
    async with house(CLOCK, Rule(id="no", effect="forbid", argument="path", equals="[REDACTED]", agent="beta")) as h:
        arguments = {"path": "/secret", "zone": "UTC"}
        receipt = await h.gate.admit(request_for("clock", arguments=arguments))
        assert receipt.request.arguments == {"path": "[REDACTED]", "zone": "UTC"}
        assert arguments["path"] == "/secret"
        assert receipt.decision.decision == "modify"
        assert receipt.action_hash == action_hash(receipt.request)
        assert h.gate.redeem(receipt).arguments["path"] == "[REDACTED]"
        with pytest.raises(PolicyDenied):
            await h.gate.admit(request_for("clock", agent="beta", arguments=arguments))


async def test_pol_7_a_rate_counts_what_happened(house: Any, monkeypatch: pytest.MonkeyPatch, fake_clock: Any) -> None:
    obliged(monkeypatch, Obligation(kind="rate", value="2/60s", policy="x"))
    async with house(CLOCK, clock=fake_clock) as h:
        for _ in range(5):
            h.gate.evaluate(request_for("clock"))  # asking does not count
        await h.gate.admit(request_for("clock"))
        await h.gate.admit(request_for("clock"))
        with pytest.raises(PolicyDenied, match="2 times in 60 s"):
            await h.gate.admit(request_for("clock"))
        await h.gate.admit(request_for("clock", agent="beta"))
        await fake_clock.advance(61)
        await h.gate.admit(request_for("clock"))


@pytest.mark.parametrize(
    ("tier", "allowed"), [("tier0", False), ("tier1", False), ("tier2", True), ("tier3", True), ("?", False)]
)
async def test_pol_7_a_sandbox_is_demanded(
    house: Any, monkeypatch: pytest.MonkeyPatch, tier: str, allowed: bool
) -> None:
    obliged(monkeypatch, Obligation(kind="sandbox", value="tier2", policy="x"))
    async with house(CLOCK) as h:
        agent = AgentFacts(id="a", name="alpha", tier=tier)
        decision = await h.gate.decide(msgspec.structs.replace(request_for("clock"), agent=agent))
        assert decision.allowed is allowed


async def test_pol_7_an_unknown_obligation_denies(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    obliged(monkeypatch, Obligation(kind="dance", policy="x"))
    async with house(CLOCK) as h:
        assert (await h.gate.decide(request_for("clock"))).decision == "deny"


async def test_an_engine_that_raises_denies(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any, request: Any) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(ReferenceEngine, "decide", broken)
    async with house(CLOCK) as h:
        decision = await h.gate.decide(request_for("clock"))
        assert decision.decision == "deny"
        assert "boom" in decision.errors[0]


async def test_pol_25_the_insecure_switch_is_loud_and_refused_in_production(
    house: Any, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[PolicyDecided] = []
    async with house(environ={"SYMBI_INSECURE_ALLOW_ALL": "1"}) as h:

        async def listen(event: PolicyDecided) -> None:
            heard.append(event)

        h.kernel.events.subscribe(PolicyDecided, listen)
        receipt = await h.gate.admit(request_for("rm"))
        assert h.gate.redeem(receipt).target == "rm"
        assert "INSECURE" in caplog.text
        assert h.gate.status().state == "insecure"
        assert h.gate.counts["insecure"] == 1
        assert (await h.gate.health()).state == "unhealthy"
        assert h.audit.records[0]["details"]["insecure"] is True
    assert [event.insecure for event in heard] == [True]
    for name in ("production", "prod", "no-such-environment"):
        with pytest.raises(ConfigError, match="refused while SYMBIONT_ENV"):
            async with house(policy={"insecure_allow_all": True}, environ={"SYMBIONT_ENV": name}):
                raise AssertionError("must not open")


async def test_pol_60_tools_that_can_never_be_allowed_are_hidden(house: Any) -> None:
    from symbi.contracts.policy import ResourceFacts

    async with house(CLOCK, NET) as h:
        tools = [ResourceFacts(id="clock"), ResourceFacts(id="http_get"), ResourceFacts(id="x")]
        assert h.gate.visible_tools(request_for(), tools) == ("clock",)
        h.write(CLOCK, Rule(id="x", effect="permit", tool="x"))
        await h.gate.reload()
        assert h.gate.visible_tools(request_for(), tools) == ("clock", "x")


@pytest.mark.parametrize("action", ["", "a b", "tool_call::x", "x" * 65])
async def test_what_is_no_action_is_refused(house: Any, action: str) -> None:
    async with house(CLOCK) as h:
        with pytest.raises(InvalidRequest):
            await h.gate.decide(request_for("clock", action=action))


_values = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5)),
    lambda s: st.dictionaries(st.text(max_size=3), s, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(
    one=st.dictionaries(st.text(max_size=3), _values, max_size=3),
    two=st.dictionaries(st.text(max_size=3), _values, max_size=3),
)
def test_the_hash_is_equal_exactly_for_equal_actions(one: Any, two: Any) -> None:
    shuffled = dict(reversed(list(one.items())))
    assert action_hash(request_for(arguments=one)) == action_hash(request_for(arguments=shuffled))
    assert (action_hash(request_for(arguments=one)) == action_hash(request_for(arguments=two))) is (one == two)


async def test_rsn_10_what_a_redaction_makes_unfit_for_the_tool_is_denied(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symbi.contracts.tools import ToolService

    class Tools:
        async def validate(self, name: str, arguments: dict[str, Any]) -> None:
            if not isinstance(arguments["count"], int):
                raise InvalidRequest("count must be a number")

    obliged(monkeypatch, Obligation(kind="redact", value="args.count", policy="x"))
    async with house(CLOCK) as h:
        h.kernel.services.provide(ToolService, Tools(), plugin="test")
        with pytest.raises(PolicyDenied, match="count must be a number"):
            await h.gate.admit(request_for("clock", arguments={"count": 1}))
