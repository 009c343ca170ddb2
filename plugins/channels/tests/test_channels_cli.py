"""`symbi channels`: exit codes, one JSON document, the seed's example (interfaces.md)."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from symbi_channels.cli import channels


class Client:
    """Answers as the API does; `asked` is what was sent."""

    def __init__(self):
        self.asked = []
        self.connected = True

    def get(self, path, *, params=None):
        self.asked.append(("GET", path, params))
        if path.endswith("/health"):
            return {
                "id": "1",
                "connected": self.connected,
                "platform": "slack",
                "workspace_name": "my-team",
                "channels_active": 1,
                "last_message_at": None,
                "uptime_secs": 5,
            }
        if path.endswith("/audit"):
            entry = {
                "timestamp": "T",
                "event_type": "started",
                "user_id": None,
                "channel_id": "C1",
                "agent": None,
                "details": {"seq": 3, "outcome": "done"},
            }
            return {"channel_id": "1", "entries": [entry]}
        return [{"id": "1", "name": "ops", "platform": "slack", "status": "running"}]

    def post(self, path, body=None):
        self.asked.append(("POST", path, body))
        if path == "/channels":
            return {"id": "1", "name": body["name"], "platform": body["platform"], "status": "registered"}
        if path.endswith("/messages"):
            return {"message_id": "m", "status": "sent"}
        return {"id": "1", "action": "started", "status": "ok"}


@pytest.fixture
def run(monkeypatch):
    client = Client()

    @contextmanager
    def api(ctx):
        yield client

    monkeypatch.setattr("symbi.cli.client.api", api)

    def invoke(*arguments):
        return CliRunner().invoke(channels, list(arguments))

    invoke.client = client
    return invoke


def test_the_seeds_channel_is_added_and_started(run):
    config = '{"webhook_url": "https://hooks.slack.com/x", "channel": "#general"}'
    result = run("add", "slack-general", "--platform", "slack", "--config", config, "--start", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "registered"
    assert run.client.asked == [
        ("POST", "/channels", {"name": "slack-general", "platform": "slack", "config": json.loads(config)}),
        ("POST", "/channels/1/start", None),
    ]


@pytest.mark.parametrize("config", ["{", "[]", "@/nowhere/at-all.json"])
def test_a_wrong_config_is_exit_2(run, config):
    result = run("add", "x", "--platform", "slack", "--config", config)
    assert result.exit_code == 2
    assert run.client.asked == []


def test_a_channel_that_is_not_connected_is_exit_1(run):
    assert run("test", "ops").exit_code == 0
    run.client.connected = False
    assert run("test", "ops").exit_code == 1


def test_sending_mapping_tailing_and_names_in_paths(run):
    assert run("send", "my room", "hello", "--target", "C1").exit_code == 0
    assert run("map", "ops", "U1", "ann", "--role", "ops", "--json").exit_code == 0
    assert run("tail", "ops").output.startswith("T  started")
    assert run.client.asked[0] == (
        "POST",
        "/channels/my%20room/messages",
        {"text": "hello", "target": "C1", "thread_id": None},
    )
    assert run.client.asked[1][2]["roles"] == ["ops"]


@pytest.mark.parametrize("name", sorted(channels.commands))
def test_every_command_has_an_example_in_its_help(run, name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.output
