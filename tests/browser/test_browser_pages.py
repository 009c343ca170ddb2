"""The console and the API's documentation, as a person uses them."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def signed_in(page, server):
    page.goto(f"{server.url}/console")
    page.fill("#token", server.token)
    page.click("#enter button")
    page.wait_for_selector("table")
    return page


def test_a_wrong_token_is_refused_and_the_right_one_opens_the_overview(page, server):
    page.goto(f"{server.url}/console")
    page.fill("#token", "surely-not-the-token")
    page.click("#enter button")
    page.wait_for_selector("#refused:not(:empty)")
    page.fill("#token", server.token)
    page.click("#enter button")
    page.wait_for_selector("table")
    assert "store" in page.inner_text("#view")
    assert page.inner_text("#health") == "healthy"
    page.click("text=Sign out")
    assert page.is_visible("#token")
    assert page.evaluate("sessionStorage.getItem('symbi-token')") is None


def test_an_agent_is_run_and_its_timeline_read(signed_in, server):
    signed_in.click("#tabs >> text=Agents")
    signed_in.wait_for_selector("text=hello")
    signed_in.click("tr:has-text('hello') >> text=Run")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.client.get("/runs").json()["runs"][:1] == []:
        time.sleep(0.1)
    signed_in.click("#tabs >> text=Runs")
    signed_in.click("text=Timeline >> nth=0")
    signed_in.wait_for_selector("#timeline:has-text('completed')")
    shown = signed_in.inner_text("#timeline")
    assert "hello-may-read-the-clock" in shown
    assert "forbidden" in shown


def test_what_comes_from_outside_is_text_never_markup(signed_in, server):
    name = "<img src=x onerror=alert(1)>"
    made = server.client.post(
        "/agents", json={"name": name, "dsl": "agent odd { with timeout = 5.seconds { return 1; } }"}
    )
    assert made.status_code == 200
    signed_in.on("dialog", lambda dialog: pytest.fail("a script ran"))
    signed_in.click("#tabs >> text=Agents")
    signed_in.wait_for_selector("text=<img src=x")
    assert signed_in.query_selector("#view img") is None
    server.client.delete(f"/agents/{made.json()['id']}")


def test_the_documentation_of_the_api_shows_its_routes(page, server):
    page.goto(f"{server.url}/docs")
    page.wait_for_selector("text=/agents")
    assert "/api/v1/agents" in page.inner_text("body")
