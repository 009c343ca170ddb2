"""Programs run (dsl.md §7): values, statements, functions, errors, bounds, effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from symbi.contracts.languages import ProgramFailed, ProgramLimits

Run = Callable[..., Any]

VALUES: list[tuple[str, Any]] = [
    ("1 + 2 * 3 - 4", 3),
    ("(1 + 2) * 3", 9),
    ("7 / 2", 3.5),
    ("6 / 3", 2.0),
    ("-7 % 3", -1),
    ("1 + 0.5", 1.5),
    ('"Found " + 3', "Found 3"),
    ('1 + "a" + null + true + [1, "b"]', '1anulltrue[1, "b"]'),
    ("[1] + [2]", [1, 2]),
    ("30s + 1m", "90s"),
    ("1h / 2", "0.5h"),
    ("1h / 30m", 2.0),
    ("512MB * 2", "1024MB"),
    ("1m == 60s", True),
    ("30s < 1m && 1KB <= 1024B", True),
    ('"a" < "b"', True),
    ("1 == 1.0 && [1] == [1.0] && { a: 1 } == { a: 1.0 }", True),
    ('1 == true || null == false || "1" == 1', False),
    ('2 in [1, 2] && "a" in { a: 1 } && "b" in "abc"', True),
    ("false && nope", False),
    ("true || nope", True),
    ('!"" && !0 && ![] && !{} && !null && !0.0', True),
    ("-(-3)", 3),
    ("[1, 2, 3][-1]", 3),
    ('"héé".length + "é".len()', 4),
    ("{ a: { b: [1] } }.a.b[0]", 1),
    ('if 1 > 2 { "a" } else if true { "b" } else { "c" }', "b"),
    ("let f = (a, b) => a * b; f(3, 4)", 12),
    ("let x = 1; if true { let x = 2; y = x } x + y", 3),
    ("let x = 1; let f = n => n + x; x = 10; f(1)", 11),
    ("let t = 0; for i in range(5) { if i == 1 { continue } if i == 4 { break } t += i } t", 5),
    ("let n = 0; while true { n += 1; if n == 7 { break } } n", 7),
    ('let s = ""; for c in "abc" { s = c + s } s', "cba"),
    ("let ks = []; let m = { b: 1, a: 2 }; for k in m { ks.push(k) } ks", ["b", "a"]),
    ('let o = { a: 1 }; o.b = 2; o["c"] = [0]; o.c[0] += 5; o', {"a": 1, "b": 2, "c": [5]}),
    ('match 3 { 1 => "a", x => "b" + x }', "b3"),
    ('match "x" { "y" => 1, _ => { 2 } }', 2),
    ("match -1 { -1 => true, _ => false }", True),
    ("match null { null => 1, _ => 2 }", 1),
    ("let p = P { a: 1, b: 2 }; match p { P(x, y) => x + y }", 3),
    ("match Some(4) { Some(v) => v, None => 0 }", 4),
    ('match error("bad") { Ok(v) => v, Err(e) => e }', "bad"),
    ("if let Some(v) = null { 1 } else { 2 }", 2),
    ("try { nope } catch (UndefinedName e) { e.kind }", None),
    ("let r = 0; try { r = 1 / 0 } catch (DivisionByZero e) { r = e.message } r", "division by zero"),
    ("let r = 0; try { x.y } catch (Other e) { r = 1 } catch (e) { r = e.kind } r", "UndefinedName"),
    ("[3, 1, 2].sort().map(x => x * 2).filter(x => x > 2)", [4, 6]),
    ("[1, 2].any(x => x == 2) && [1, 2].all(x => x > 0)", True),
    ('"a,b".split(",").join("-") + " x ".trim() + "abc".replace("b", "") + "Ab".upper() + "Ab".lower()', "a-bxacABab"),
    ('"abc".starts_with("ab") && "abc".ends_with("bc") && "abc".contains("b") && [].is_empty', True),
    ('{ a: 1 }.get("b", 2) + { a: 1 }.keys().length + { a: 5 }.values()[0]', 8),
    ('format("{} and {}", "{}", 2)', "{} and 2"),
    ('parse_json("{\\"a\\": [1, 2.5, null]}").a', [1, 2.5, None]),
    ('hash_sha256("a").length', 64),
    ('verify_hmac_sha256("m", "sha256=0a3efa02f93ac59a14bc04d3d5e2a9a6aab9d0eff9b7b2a1d2b1a9a9a8f4ea4a", "k")', False),
    ('["a", "b"].map(upper)', ["A", "B"]),
    ("None == null", True),
    ("Ok(3)", 3),
    ("1.5h", "1.5h"),
    ("now()", 1_700_000_000_000),
    ('generate_id("run")', "run-an-id"),
    ("x = 5; x", 5),
]


@pytest.mark.parametrize(("body", "wanted"), VALUES)
def test_values(run: Run, body: str, wanted: Any) -> None:
    """§7.2, §7.3, §7.4: what expressions and statements give."""
    assert run(body) == wanted
    assert type(run(body)) is type(wanted)


FAILURES = [
    ("nope", "UndefinedName"),
    ("1 + null.x", "NullValue"),
    ("1 / 0", "DivisionByZero"),
    ("1 % 0", "DivisionByZero"),
    ("9223372036854775807 + 1", "Overflow"),
    ("-9223372036854775808 - 1", "Overflow"),
    ("9223372036854775807 * 2", "Overflow"),
    ("true + 1", "TypeMismatch"),
    ('"a" - 1', "TypeMismatch"),
    ("30s + 1MB", "TypeMismatch"),
    ("30s < 1", "TypeMismatch"),
    ("[1][3]", "OutOfRange"),
    ('{ a: 1 }["b"]', "NoSuchKey"),
    ("{ a: 1 }.b", "NoSuchField"),
    ('"a".__class__', "NoSuchField"),
    ("[].push.call", "NoSuchField"),
    ("let f = 1; f()", "TypeMismatch"),
    ("let f = x => x; f()", "MissingArgument"),
    ("match 1 { 2 => 3 }", "NoMatch"),
    ('let x: int = "a"', "TypeMismatch"),
    ("for i in 5 { }", "TypeMismatch"),
    ('format("{}", 1, 2)', "TypeMismatch"),
    ('parse_json("{")', "ParseError"),
    ("require capability network", "MissingCapability"),
    ('return error("bad", { a: 1 })', "Error"),
    ('reason("s", vault://a/b)', "SecretValue"),
    ("parallel([1])", "TypeMismatch"),
    ('parallel(range(40).map(i => ({ agent: "a", message: "m" })))', "OutOfRange"),
    ('sleep("long")', "TypeMismatch"),
    ("let l = [1]; l.push(l); l", "TooDeep"),
    ("let l = [1]; l.push(l); l == l", "TooDeep"),
    ('let x = "a"; for i in range(30) { x = x + x }', "TooLong"),
    ("let x = [1]; for i in range(30) { x = x + x }", "TooLong"),
    ('"aaaa".replace("", "b")', "TypeMismatch"),
    ('parse_json("' + "[" * 200 + '")', "TooDeep"),
]


@pytest.mark.parametrize(("body", "kind"), FAILURES)
def test_failures_have_a_kind_and_a_place(run: Run, body: str, kind: str) -> None:
    """An uncaught error ends the run with its kind, its code and where it happened."""
    with pytest.raises(ProgramFailed) as failed:
        run(body)
    assert failed.value.kind == kind
    assert failed.value.error_code == "program_error"
    assert failed.value.line == 4 or kind in ("TooDeep",)


LIMITS = [
    ("while true { }", "", "limit_iterations"),
    ("while true { f() }", "function f() { while true { } }", "limit_iterations"),
    ("f(1)", "function f(n: int) { f(n + 1) }", "limit_depth"),
    ("let g = x => [x].map(y => f(y))[0]; g(1)", "function f(n: int) { [n].map(y => f(y + 1)) }", "limit_depth"),
    ("for a in range(1000) { for b in range(1000) { c = a } }", "", "limit_steps"),
    ("try { while true { try { 1 / 0 } catch { } } } catch { }", "", "limit_iterations"),
    ("let l = range(10000); for i in range(10000) { m = l + l }", "", "limit_memory"),
]


@pytest.mark.parametrize(("body", "items", "code"), LIMITS)
def test_bounds_can_not_be_caught(run: Run, body: str, items: str, code: str) -> None:
    """§7.2: steps, loops, depth and memory are bounded, and no `try` of the program takes that away."""
    with pytest.raises(ProgramFailed) as failed:
        run(body, items=items)
    assert failed.value.error_code == code


def test_wall_clock_bound(run: Run) -> None:
    """§7.2: a program ends when its time is up."""
    limits = ProgramLimits(max_steps=10**12, max_iterations=10**12, wall_seconds=0.05)
    with pytest.raises(ProgramFailed) as failed:
        run("while true { x = 1 }", limits=limits)
    assert failed.value.error_code == "limit_wall"


def test_a_deep_program_does_not_overflow_the_stack(run: Run) -> None:
    """Calls, blocks and lambdas nested as deep as the bounds allow run to their end."""
    nested = "let r = 0;" + "if true { " * 80 + "r = f(90)" + " }" * 80 + " r"
    items = "function f(n: int) -> int { if n == 0 { 0 } else { [n].map(x => (((((1 + f(x - 1)))))))[0] } }"
    assert run(nested, items=items, limits=ProgramLimits(max_depth=400)) == 90


def test_tools_pass_the_gate(run: Run, world: Any) -> None:
    """Decisions, Agents: a call that is no function of the text is a tool call, with its place."""
    run('read_file("a.txt", encoding: "utf8"); http.get(url: "x"); slack.chat.post({ a: 1 })')
    assert world.calls == [
        ("tool", "read_file", {"encoding": "utf8", "$args": ["a.txt"]}),
        ("tool", "http.get", {"url": "x"}),
        ("tool", "slack.chat.post", {"$args": [{"a": 1}]}),
    ]
    assert world.places[0] == (4, 1)


def test_a_denied_call_raises_policy_denied(run: Run, world: Any) -> None:
    """Decisions: `try` can catch it; uncaught, the run fails with code policy_denied."""
    assert run("try { forbidden() } catch (PolicyDenied e) { return e.details.policy }") == "p"
    assert run("try { forbidden() } catch (Other e) { 1 } catch (e) { return e.kind }") == "PolicyDenied"
    with pytest.raises(ProgramFailed) as failed:
        run("forbidden()")
    assert (failed.value.error_code, failed.value.kind, failed.value.line) == ("policy_denied", "PolicyDenied", 4)
    with pytest.raises(ProgramFailed) as broken:
        run("broken_tool()")
    assert (broken.value.error_code, broken.value.kind) == ("tool_failed", "ToolFailed")


def test_tool_call_gives_a_status(run: Run) -> None:
    """§7.4: tool_call answers with a status instead of failing, and an unknown tool is never a success."""
    for name, status in (("ok", "success"), ("forbidden", "denied"), ("broken", "error"), ("missing", "not_executed")):
        assert run(f'tool_call("{name}", {{ a: 1 }}).status') == status


EFFECTS = [
    (
        'reason("sys", "usr", max_iterations: 3)',
        ("reason", "reason", {"system": "sys", "user": "usr", "max_iterations": 3}),
    ),
    ('reason({ system: "s", user: "u" })', ("reason", "reason", {"system": "s", "user": "u"})),
    ('llm_call("p")', ("llm", "llm_call", {"prompt": "p"})),
    ('delegate("b", "do", timeout: 5s)', ("delegate", "b", {"message": "do", "timeout": "5s"})),
    ('ask({ agent: "b", message: "m" })', ("ask", "b", {"message": "m"})),
    ('send_to("b", "m")', ("send", "b", {"message": "m"})),
    ('spawn_agent("n", "s")', ("spawn", "n", {"system": "s"})),
    ('parallel([{ agent: "b", message: "m" }])', ("parallel", "", {"tasks": [{"agent": "b", "message": "m"}]})),
    ('race([{ agent: "b", message: "m" }])', ("race", "", {"tasks": [{"agent": "b", "message": "m"}]})),
    ('chain(["a", "b"])', ("reason", "chain", {"steps": ["a", "b"]})),
    ('memory_search("notes", "q", limit: 3)', ("recall", "notes", {"query": "q", "limit": 3})),
    ('memory_write("notes", { a: 1 })', ("remember", "notes", {"record": {"a": 1}})),
    ("remember({ a: 1 })", ("remember", "", {"record": {"a": 1}})),
    ('recall("q")', ("recall", "", {"query": "q"})),
    ('publish("t", 1)', ("publish", "t", {"value": 1})),
    ('request_approval({ what: "x" })', ("approval", "", {"what": "x"})),
    ("sleep(1500ms)", ("sleep", "", {"seconds": 1.5})),
    ("sleep(2)", ("sleep", "", {"seconds": 2.0})),
    ('wait_event("mail", 5s)', ("wait_event", "mail", {"seconds": 5.0})),
    ("respond({ a: 30s })", ("respond", "", {"value": {"a": "30s"}})),
    ("check guard", ("check", "guard", {})),
    ('audit_log("login", { a: 1 })', ("audit", "login", {"values": {"a": 1}, "level": "audit_log"})),
    ("send(vault://a/b)", ("tool", "send", {"$args": [{"$secret": "vault://a/b"}]})),
]


@pytest.mark.parametrize(("body", "wanted"), EFFECTS)
def test_effects_are_asked_of_the_runtime(run: Run, world: Any, body: str, wanted: Any) -> None:
    """§7.4, §7.5: each built-in asks for its effect; positional, named and map arguments mean the same."""
    run(body)
    assert world.calls == [wanted]


def test_an_effect_without_a_provider_fails_honestly(run: Run) -> None:
    """Nothing is invented where nobody carries an effect out."""
    with pytest.raises(ProgramFailed) as failed:
        run('delegate("missing", "x")')
    assert failed.value.error_code == "not_found"


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [(2**70, float(2**70)), ({"a": (1, 2)}, {"a": [1, 2]}), ("x" * 10, "x" * 10), (10**400, None), ([[[]]], [[[]]])],
)
def test_answers_become_values(run: Run, world: Any, answer: Any, wanted: Any) -> None:
    """What the runtime answers becomes a value of the language, or an error of it."""
    world.answers["tool"] = answer
    if wanted is None:
        with pytest.raises(ProgramFailed, match="too large"):
            run("fetch()")
    else:
        assert run("fetch()") == wanted


def test_print_and_log(run: Run, world: Any) -> None:
    """`print` and `log` write lines and give null; a secret is never in them."""
    assert run('print("a", [1, "b"], { c: null }); log("warn", "x", n: 1); print(vault://a/b)') is None
    assert world.logged == ['a [1, "b"] {c: null}', "warn: x n=1", "[secret]"]


def test_functions_have_their_own_scope(run: Run) -> None:
    """§7.1: a function sees its parameters, not the caller's variables; defaults and names bind arguments."""
    items = "function f(a: int, b: int = a + 1, c: int = 0) -> int { a * 100 + b * 10 + c }"
    assert run("f(1)", items=items) == 120
    assert run("f(1, c: 5)", items=items) == 125
    assert run("f(c: 1, a: 2, b: 3)", items=items) == 231
    with pytest.raises(ProgramFailed, match="needs 'a'"):
        run("f(b: 1)", items=items)
    with pytest.raises(ProgramFailed, match="'x' is not defined"):
        run("let x = 1; g()", items="function g() { x }")


def test_return_leaves_loops_and_blocks(run: Run) -> None:
    """`return` ends the function from anywhere, also out of an expression."""
    assert run("for i in range(5) { if i == 2 { return i } }") == 2
    assert run('for i in range(5) { let z = if i == 3 { return "out" } else { i }; }') == "out"
    assert run("let f = 1; while true { let z = if f > 4 { break } else { f }; f += 1 } f") == 5


def test_agent_parameters(run: Run) -> None:
    """Parameters of the agent are variables of its body; defaults stand in, and what is missing is an error."""
    assert run('name + " " + n', params="(name: string, n: int = 2)", arguments={"name": "x"}) == "x 2"
    assert run("f()", params="(n: int)", arguments={"n": 4}, items="function f() { n * 2 }") == 8
    with pytest.raises(ProgramFailed, match="needs 'name'"):
        run("name", params="(name: string)")
    assert run("x", params="(x: Optional<int>)") is None


def test_capabilities_of_a_program(run: Run) -> None:
    """§7.6: `require capability` holds for what the agent declares, or for what the runtime says is granted."""
    assert run("require capabilities [net]; 1", items="capabilities: [net]") == 1
    with pytest.raises(ProgramFailed, match="Missing capability: net"):
        run("require capability net", items="capabilities: [net]", facts={"capabilities": []})


def test_facts_are_names(run: Run) -> None:
    """The host's facts can be read, and never written back."""
    facts = {"session": {"id": "s1"}}
    assert run("session.id + agent.name", facts=facts) == "s1a"
    assert run("session = 1; session", facts=facts) == 1
    assert facts == {"session": {"id": "s1"}}


def test_check_that_does_not_hold(run: Run, world: Any) -> None:
    """§7.7: `check POLICY` evaluates the policy, and raises where it does not hold."""
    world.answers["guard"] = False
    with pytest.raises(ProgramFailed) as failed:
        run("check guard")
    assert failed.value.error_code == "policy_denied"


def test_progress_is_reported_by_line(run: Run, world: Any) -> None:
    """`symbi run` shows each step with its line; a long loop does not flood it."""
    run("let a = 1;\nlet b = 2;\nlet c = a + b;")
    assert world.lines[:3] == [4, 5, 6]
    world.lines.clear()
    run("for i in range(5000) { x = i }")
    assert len(world.lines) < 200


def test_several_with_blocks_run_in_order(world: Any) -> None:
    """Each `with` block is its own context; the last value is the result, and `return` ends the program."""
    from symbi_dsl.facts.definition import parse_definition
    from symbi_dsl.interpreter.program import interpret

    def value(text: str) -> Any:
        program = parse_definition(text).agents[0].program
        assert program is not None
        return interpret(program, arguments={}, effects=world)

    assert value("agent a { with { x = 1; } with { 2 } }") == 2
    assert value("agent a { with { return 1; } with { 2 } }") == 1
    assert value("agent a { behavior b { input { n: int = 3 } steps { n + 1 } } }") == 4


def test_importing_the_interpreter_is_cheap() -> None:
    """The agent host imports it in a child that has little time: no web framework, no database, no command line."""
    import subprocess
    import sys

    code = (
        "import sys, symbi_dsl.interpreter.host; "
        "bad = {'litestar', 'sqlalchemy', 'click', 'asyncio', 'httpx'} & set(sys.modules); print(sorted(bad))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
