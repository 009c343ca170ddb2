"""`symbi knowledge` and `symbi memory`, over a runtime in this process."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from symbi.cli.main import symbi


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "symbi.toml").write_text('[context]\nembedder = "none"\n[plugins]\nonly = ["context"]\n')
    monkeypatch.chdir(tmp_path)
    for name in ("SYMBI_CONFIG", "SYMBI_DATA_DIR", "SYMBIONT_VECTOR_BACKEND"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(symbi, list(arguments))
        assert result.exit_code == code, f"{result.output}\n{result.stderr}\n{result.exception!r}"
        return result

    return invoke


def test_documents_are_added_searched_listed_and_removed(run, tmp_path):
    folder = tmp_path / "docs"
    (folder / ".hidden").mkdir(parents=True)
    (folder / "a.md").write_text("# Mast\n\nThe mast is made of oak.")
    (folder / "b.txt").write_text("The sail is white.")
    (folder / "empty.md").write_text(" ")
    (folder / "c.bin").write_bytes(b"\x00")
    (folder / "bad.txt").write_bytes(b"\xff\xfe")
    (folder / ".hidden" / "d.md").write_text("never read")
    added = json.loads(run("knowledge", "add", "docs", "--json").stdout)
    assert [(each["uri"], each["status"]) for each in added["documents"]] == [
        ("docs/a.md", "added"),
        ("docs/b.txt", "added"),
    ]
    assert {each["path"] for each in added["skipped"]} == {"docs/empty.md", "docs/bad.txt"}
    assert "2 unchanged" in run("knowledge", "add", "docs").stdout
    found = run("knowledge", "search", "oak mast", "--json")
    assert json.loads(found.stdout)["passages"][0]["uri"] == "docs/a.md"
    assert "by words only" in run("knowledge", "search", "oak").stderr
    run("knowledge", "search", "zebra", code=1)
    assert "docs/b.txt" in run("knowledge", "list").stdout
    assert "1 pieces" in run("knowledge", "remove", "docs/b.txt").stdout
    run("knowledge", "remove", "docs/b.txt", code=1)
    run("knowledge", "add", "nowhere", code=2)


def test_memories_are_added_searched_and_forgotten(run):
    item = run("memory", "add", "a1", "Deployments happen on Fridays").stdout.strip()
    found = json.loads(run("memory", "search", "a1", "deployments", "--json").stdout)
    assert [hit["id"] for hit in found["results"]] == [item]
    run("memory", "search", "a2", "deployments", code=1)
    assert item in run("memory", "list", "a1").stdout
    assert "archived 0, erased 0 (dry run)" in run("memory", "archive", "--dry-run").stdout
    assert json.loads(run("memory", "stats", "--json").stdout)["memories"] == 1
    assert json.loads(run("memory", "forget", "a1", item, "--json").stdout)["complete"]
    run("memory", "forget", "a1", code=2)
    run("memory", "add", "a1", "x", "--type", "odd", code=2)
    run("memory", "restore", "a1", "nothing", code=1)


@pytest.mark.parametrize(
    "command", ["add", "list", "search", "forget", "archive", "restore", "sessions", "stats", "reembed", "move"]
)
def test_every_command_has_an_example(run, command):
    assert "Example: symbi memory" in run("memory", command, "--help").stdout


def test_addresses_are_fetched_within_bounds(run):
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"<html><title>Page</title><p>The rudder steers.</p></html>"
            self.send_response(200 if self.path == "/page.html" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        added = json.loads(run("knowledge", "add", f"{base}/page.html", f"{base}/missing", "--json").stdout)
    finally:
        server.shutdown()
    assert [each["status"] for each in added["documents"]] == ["added"]
    assert [each["path"] for each in added["skipped"]] == [f"{base}/missing"]
    assert json.loads(run("knowledge", "search", "rudder", "--json").stdout)["passages"][0]["title"] == "Page"
