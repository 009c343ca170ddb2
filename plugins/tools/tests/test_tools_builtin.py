"""The tools that ship: clock, JSON, files that stay in their folder, HTTP that stays public, declared tools."""

from __future__ import annotations

import asyncio
import http.server
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import ConfigError, Forbidden, InvalidRequest, NotFound, PayloadTooLarge, SymbiError
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.tools import ToolService
from symbi.http.outbound import is_public
from symbi_tools.files import _parts
from symbi_tools.manifest import fill, read_manifest


@pytest.fixture
async def call(make_kernel, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    run = EffectContext(
        run_id="r", agent_id="a", agent="x", principal=LOCAL_ADMIN, attempt=1, surface="run", depth=0, chain=(), session=None,
        working_folder=str(folder), deadline_ms=None,
    )  # fmt: skip
    async with make_kernel(["symbi_tools.plugin"], tables={"plugins": {"files": {"max_file_bytes": 1000}}}) as kernel:
        tools = kernel.services.get(ToolService)

        async def called(name, **arguments):
            await tools.validate(name, arguments)
            return await tools.call(name, arguments, run=run)

        called.folder = folder
        yield called


async def test_the_clock_tells_utc_and_a_zone(call):
    answer = await call("clock", timezone="Asia/Tokyo")
    assert answer["utc"].endswith("Z")
    assert answer["local"].endswith("+09:00")
    with pytest.raises(InvalidRequest, match="unknown time zone"):
        await call("clock", timezone="Nowhere/Else")
    with pytest.raises(InvalidRequest):
        await call("clock", timezone="../../etc/passwd")


async def test_json_is_parsed_and_pointed_into(call):
    assert await call("json_parse", text='{"a": [1, {"b/c": 2}]}') == {"a": [1, {"b/c": 2}]}
    assert await call("json_get", value={"a": [1, {"b/c": 2}]}, pointer="/a/1/b~1c") == 2
    with pytest.raises(NotFound):
        await call("json_get", value={}, pointer="/a")
    with pytest.raises(InvalidRequest):
        await call("json_parse", text="{")


async def test_files_are_written_read_and_listed(call):
    assert await call("write_file", path="a/b.txt", content="hällo") == {"path": "a/b.txt", "bytes": 6}
    assert await call("read_file", path="a/b.txt") == "hällo"
    assert await call("list_files", path="a") == [{"name": "b.txt", "kind": "file", "bytes": 6}]
    assert [entry["name"] for entry in await call("list_files")] == ["a"]


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret.txt", "a/../../secret.txt", "a/\0b", "..", "C:\\x", "/".join("x" * 40)]
)
async def test_no_path_leads_out_of_the_folder(call, path):
    with pytest.raises(InvalidRequest):
        await call("read_file", path=path)
    with pytest.raises(InvalidRequest):
        await call("write_file", path=path, content="")


async def test_no_link_leads_out_of_the_folder(call):
    os.symlink(call.folder.parent / "secret.txt", call.folder / "link.txt")
    os.symlink(call.folder.parent, call.folder / "up")
    for path in ("link.txt", "up/secret.txt"):
        with pytest.raises(InvalidRequest, match="link"):
            await call("read_file", path=path)
    with pytest.raises(InvalidRequest):
        await call("write_file", path="up/new.txt", content="x")
    await call("write_file", path="link.txt", content="mine")
    assert (call.folder.parent / "secret.txt").read_text() == "secret"


async def test_large_odd_and_missing_files_are_refused(call):
    (call.folder / "big").write_bytes(b"x" * 1001)
    (call.folder / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(call.folder / "pipe")
    with pytest.raises(PayloadTooLarge):
        await call("read_file", path="big")
    with pytest.raises(InvalidRequest, match="UTF-8"):
        await call("read_file", path="binary")
    with pytest.raises(InvalidRequest, match="plain file"):
        await call("read_file", path="pipe")
    with pytest.raises(NotFound):
        await call("read_file", path="none")
    with pytest.raises(PayloadTooLarge):
        await call("write_file", path="big2", content="x" * 1001)


@given(st.text(max_size=200))
def test_any_path_is_refused_or_stays_inside(path):
    try:
        parts = _parts(path, empty=True)
    except InvalidRequest:
        return
    assert not os.path.isabs("/".join(parts))
    assert os.path.normpath(os.path.join("/root", *parts)).startswith("/root")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2001:4860:4860::8888", True), ("127.0.0.1", False), ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False),
        ("::ffff:127.0.0.1", False), ("fe80::1%eth0", False), ("fc00::1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address, public):
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1/x",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://0x7f000001/",
        "http://2130706433/",
    ],
)
async def test_http_get_refuses_what_is_not_public(call, url):
    with pytest.raises((Forbidden, SymbiError)) as caught:
        await call("http_get", url=url)
    assert caught.value.error_code in ("ADDRESS_FORBIDDEN", "UNAVAILABLE")


@pytest.fixture
def site():
    """A small server on loopback: a page, a redirect to itself, a redirect to a private address, a big and a binary answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            where = {"/hop": "/page", "/trap": "http://127.0.0.2:9/", "/loop": "/loop"}.get(self.path)
            self.send_response(302 if where else 200)
            self.send_header("content-type", "image/png" if self.path == "/image" else "text/plain; charset=utf-8")
            if where:
                self.send_header("location", where)
            self.send_header("set-cookie", "id=1")
            self.end_headers()
            self.wfile.write(
                b"x" * 2_000_000 if self.path == "/big" else f"cookie={self.headers.get('cookie')}".encode()
            )

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_http_get_follows_checked_redirects_and_keeps_no_cookies(make_kernel, tmp_path, site):
    run = EffectContext(
        run_id="r", agent_id="a", agent="x", principal=LOCAL_ADMIN, attempt=1, surface="run", depth=0, chain=(), session=None,
        working_folder=str(tmp_path), deadline_ms=None,
    )  # fmt: skip
    async with make_kernel(
        ["symbi_tools.plugin"], tables={"plugins": {"http": {"allow_private_hosts": ["127.0.0.1"]}}}
    ) as kernel:
        tools = kernel.services.get(ToolService)

        async def get(path):
            return await tools.call("http_get", {"url": site + path}, run=run)

        for _ in range(2):
            answer = await get("/hop")
            assert (answer["status"], answer["body"], answer["url"]) == (200, "cookie=None", site + "/page")
        assert (await get("/big"))["truncated"] is True
        with pytest.raises(Forbidden, match=r"127\.0\.0\.2"):
            await get("/trap")
        with pytest.raises(SymbiError, match="redirects"):
            await get("/loop")
        with pytest.raises(SymbiError, match="image/png"):
            await get("/image")


MANIFEST = """
name = "shout"
description = "Say it loud."
risk = "low"
idempotent = true
[arguments.text]
pattern = "[a-z ]+"
[command]
argv = ["/usr/bin/printf", "%s!", "{text}"]
"""


async def test_a_declared_command_runs_without_a_shell(make_kernel, tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "shout.tool.toml").write_text(MANIFEST)
    (tmp_path / "tools" / "env.tool.toml").write_text(
        'name = "environment"\ndescription = "…"\n[command]\nargv = ["/usr/bin/env"]\n'
    )
    (tmp_path / "tools" / "bad.tool.toml").write_text(
        'name = "failing"\ndescription = "…"\n[command]\nargv = ["/bin/sh", "-c", "echo no >&2; exit 3"]\n'
    )
    run = EffectContext(
        run_id="r", agent_id="a", agent="x", principal=LOCAL_ADMIN, attempt=1, surface="run", depth=0, chain=(), session=None,
        working_folder=str(tmp_path), deadline_ms=None,
    )  # fmt: skip
    os.environ["CANARY_SECRET"] = "canary"
    try:
        async with make_kernel(
            ["symbi_tools.plugin"], tables={"plugins": {"manifests": {"directory": str(tmp_path / "tools")}}}
        ) as kernel:
            tools = kernel.services.get(ToolService)
            assert await tools.call("shout", {"text": "hello; rm -rf"}, run=run) == "hello; rm -rf!"
            with pytest.raises(InvalidRequest):
                await tools.validate("shout", {"text": "$(id)"})
            assert "canary" not in await tools.call("environment", {}, run=run)
            with pytest.raises(SymbiError, match="ended with 3: no"):
                await tools.call("failing", {}, run=run)
    finally:
        del os.environ["CANARY_SECRET"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = 1", "Expected `str`"),
        (MANIFEST.replace("shout", "Shout It"), "name:"),
        (MANIFEST.replace("{text}", "{txet}"), "txet"),
        (MANIFEST.replace("[a-z ]+", "["), "pattern"),
        (MANIFEST.replace('"/usr/bin/printf"', '"{text}"'), "argv"),
        (MANIFEST + '[http]\nurl = "https://x/"', "exactly one"),
        ('name = "x"\ndescription = ""\n[http]\nurl = "https://{host}/"', "fixed host"),
        (MANIFEST + "surprise = 1\n", "unknown field"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused(text, problem):
    with pytest.raises(ConfigError, match=problem):
        read_manifest(text, file="x.tool.toml")


@given(st.text())
def test_filling_never_interprets_the_value(value):
    assert fill("a{x}b", {"x": value}) == f"a{value}b"


async def test_a_declared_command_that_writes_without_end_is_stopped(make_kernel, tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "yes.tool.toml").write_text(
        'name = "yes"\ndescription = "…"\n[command]\nargv = ["/usr/bin/yes"]\n'
    )
    run = EffectContext(
        run_id="r", agent_id="a", agent="x", principal=LOCAL_ADMIN, attempt=1, surface="run", depth=0, chain=(), session=None,
        working_folder=str(tmp_path), deadline_ms=None,
    )  # fmt: skip
    async with make_kernel(
        ["symbi_tools.plugin"], tables={"plugins": {"manifests": {"directory": str(tmp_path / "tools")}}}
    ) as kernel:
        async with asyncio.timeout(5):
            with pytest.raises(SymbiError, match="more than"):
                await kernel.services.get(ToolService).call("yes", {}, run=run)
