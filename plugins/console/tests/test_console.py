"""The console's files, and the page in a real browser."""

from __future__ import annotations

import re

import pytest

from symbi_console import plugin


async def test_the_page_and_its_files_are_served_and_load_nothing_from_elsewhere(make_app):
    async with make_app([plugin]) as app:
        base = "http://127.0.0.1:8080"
        page = await app.anonymous.get(f"{base}/console")
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert path.startswith("/console/")
            answer = await app.anonymous.get(base + path)
            assert answer.status_code == 200
            assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
        assert (await app.anonymous.get(f"{base}/console/../secrets")).status_code == 404
        assert (await app.anonymous.get(f"{base}/console/plugin.py")).status_code == 404


async def test_the_page_needs_no_inline_script_which_the_policy_would_block(make_app):
    async with make_app([plugin]) as app:
        page = (await app.anonymous.get("http://127.0.0.1:8080/console")).text
        assert not re.search(r"<script>|onclick=|style=|<style", page)
        script = (await app.anonymous.get("http://127.0.0.1:8080/console/console.js")).text
        assert "innerHTML" not in script
        assert "eval(" not in script


@pytest.mark.parametrize("name", ["console.js", "console.css"])
async def test_types(make_app, name):
    async with make_app([plugin]) as app:
        answer = await app.anonymous.get(f"http://127.0.0.1:8080/console/{name}")
        assert answer.headers["content-type"].split(";")[0] in ("text/javascript", "text/css")
        assert answer.headers["x-content-type-options"] == "nosniff"
