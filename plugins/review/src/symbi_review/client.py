"""How commands reach the review API: the running server with a token, or a runtime in this process as its owner."""

from __future__ import annotations

import getpass
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import click
import httpx

from symbi.cli.client import ApiClient, api, running_server
from symbi.cli.output import error_exit
from symbi.cli.state import state_of
from symbi_review.access import ROLES

__all__ = ["ReviewClient", "make_token", "review_api", "who_option"]

who_option = click.option("--as", "who", default=None, help="Act as this person; your login name by default.")


class ReviewClient:
    """The review API for one person."""

    def __init__(self, client: ApiClient, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers

    def get(self, path: str, **params: Any) -> Any:
        """GET a path."""
        return self._client.request("GET", path, params=params, headers=self._headers)

    def post(self, path: str, body: Any = None) -> Any:
        """POST a body."""
        return self._client.request("POST", path, body, headers=self._headers)


@contextmanager
def review_api(ctx: click.Context, who: str | None) -> Iterator[ReviewClient]:
    """A client that acts as `who`: `SYMBI_REVIEW_TOKEN` if it is set, else a short-lived token made with the signing secret."""
    state = state_of(ctx)
    name = who or getpass.getuser()
    url = running_server(state.settings.data_dir)
    if url is None:
        with api(ctx) as client:
            yield ReviewClient(client, {"X-Symbi-Act-As": name})
        return
    token = os.environ.get("SYMBI_REVIEW_TOKEN") or _mint(ctx, name)
    with httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60.0, trust_env=False
    ) as http:
        yield ReviewClient(ApiClient(cast("Any", http), where=f"the server at {url}"), {})


def _mint(ctx: click.Context, name: str) -> str:
    return make_token(ctx, subject=name, scope=" ".join(sorted(ROLES["admin"])), lifetime_seconds=300)


def make_token(ctx: click.Context, *, subject: str, scope: str, lifetime_seconds: int) -> str:
    """A token of the configured issuer; ends the command when there is no signing secret."""
    from symbi_review.config import ReviewConfig
    from symbi_review.secretfile import token_secret
    from symbi_review.tokens import mint

    settings = state_of(ctx).settings
    config = settings.section("review", ReviewConfig).jwt
    secret = token_secret(config, settings.data_dir)
    if secret is None:
        error_exit(
            "tokens are checked with public keys here, so none can be made",
            hint="get a token from your issuer and set SYMBI_REVIEW_TOKEN",
            code=1,
        )
        raise SystemExit(1)
    return mint(
        config,
        secret,
        subject=subject,
        scope=scope,
        lifetime_seconds=lifetime_seconds,
        now=int(time.time()),
        jti=str(uuid.uuid4()),
    )
