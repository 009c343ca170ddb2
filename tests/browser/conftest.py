"""Chromium, headless, against a real server."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location(
    "symbi_system_conftest", Path(__file__).parents[1] / "system" / "conftest.py"
)
assert _spec is not None
assert _spec.loader is not None
_system = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _system
_spec.loader.exec_module(_system)
server = _system.server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Closed with its module: an open one keeps an event loop running, which asynchronous tests elsewhere cannot share.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give a headless Chromium; the tests that need it are skipped where none is installed (`.ci/run` installs it)."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Give a fresh page that fails the test on an error in its console."""
    opened = browser.new_page(viewport={"width": 1300, "height": 800})
    errors: list[str] = []

    def note(message: Any) -> None:
        expected = "401" in message.text or str(message.location.get("url", "")).endswith("/favicon.ico")
        if message.type == "error" and not expected:
            errors.append(message.text)

    opened.on("console", note)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    opened.close()
    assert errors == []
