"""With `[compat] sdk_states = true` every method of the SDK works, `get_agent_status` too."""

from __future__ import annotations


def test_the_sdk_reads_the_status_of_an_agent(project, start_server, tmp_path, monkeypatch):
    (project / "symbi.toml").write_text((project / "symbi.toml").read_text() + "\n[compat]\nsdk_states = true\n")
    server = start_server(project)
    agent_id = server.client.get("/agents").json()[0]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYMBIONT_AUTH_JWT_SECRET_KEY", "any text that is long enough for the client")
    from symbiont import Client

    client = Client(api_key=server.token, base_url=f"{server.url}/api/v1")
    assert client.get_agent_status(agent_id).state.value == "idle"
