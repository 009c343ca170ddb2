"""What an agent's own `require` rule says of time is held by whoever carries the call out."""

from __future__ import annotations

AGENT = """
metadata { version = "1" description = "d" }
agent slow {
    capabilities = ["nap"]
    policy own { allow: nap() require: { timeout: 1.seconds } }
    with timeout = 20.seconds { return nap(); }
}
"""
TOOL = 'name = "nap"\ndescription = "Sleeps."\ntimeout_seconds = 15\n[command]\nargv = ["/bin/sleep", "10"]\n'
POLICY = (
    '@id("nap")\npermit (principal == Symbi::Agent::"slow", action == Symbi::Action::"tool_call::nap", resource);\n'
)


def test_a_required_timeout_ends_the_call(project, start_server):
    (project / "tools").mkdir()
    (project / "tools" / "nap.tool.toml").write_text(TOOL)
    (project / "policies" / "nap.cedar").write_text(POLICY)
    server = start_server(project)
    made = server.client.post("/agents", json={"name": "slow", "dsl": AGENT})
    assert made.status_code == 200, made.text
    run_id = server.client.post(f"/agents/{made.json()['id']}/execute", json={}).json()["execution_id"]
    import time

    began = time.monotonic()
    while (run := server.client.get(f"/runs/{run_id}").json())["status"] not in ("completed", "failed"):
        assert time.monotonic() - began < 9
        time.sleep(0.1)
    assert run["status"] == "failed"
    assert "rule requires" in run["error"]["message"]
