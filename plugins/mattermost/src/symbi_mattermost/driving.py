"""The driver's HTTP client with what it lacks: a session, a pinned address, no redirects, no proxy of the environment, typed errors.

mattermostdriver 7.3.2 opens a connection for every call, follows redirects with the token, and knows no error for 429 (channels.md §2).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

__all__ = ["pinned_client"]

_made: type | None = None


def pinned_client() -> Any:
    """Return the client class for `Driver(options, client_cls=…)`; made on first use, since it derives from the driver's."""
    global _made
    if _made is None:
        _made = _make()
    return _made


def _make() -> type:
    import requests
    from mattermostdriver.client import Client  # type: ignore[import-untyped]  # no types are shipped
    from requests.adapters import HTTPAdapter

    from symbi_mattermost.rest import failure_of

    class Pinned(HTTPAdapter):
        """Connects to an address, and speaks to the name that was asked for."""

        address = ""

        def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
            parts = urlsplit(str(request.url))
            host = f"[{self.address}]" if ":" in self.address else self.address
            if parts.scheme == "https":
                self.poolmanager.connection_pool_kw["server_hostname"] = parts.hostname
                self.poolmanager.connection_pool_kw["assert_hostname"] = parts.hostname
            request.headers["Host"] = parts.netloc
            request.url = urlunsplit(parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host))
            return super().send(request, *args, **options)

    class PinnedClient(Client):  # type: ignore[misc]  # the driver has no types
        """Answers with decoded JSON, whatever exactly the server calls its type."""

        def __init__(self, options: dict[str, Any]) -> None:
            super().__init__(options)
            self.session = requests.Session()
            self.session.trust_env = False
            self._adapter = Pinned()
            self.session.mount("https://", self._adapter)
            self.session.mount("http://", self._adapter)

        def pin(self, address: str) -> None:
            """Connect to this address from now on."""
            self._adapter.address = address

        def make_request(
            self,
            method: str,
            endpoint: str,
            options: Any = None,
            params: Any = None,
            data: Any = None,
            files: Any = None,
            basepath: Any = None,
        ) -> requests.Response:
            answer = self.session.request(
                method.upper(), self.url + endpoint, headers=self.auth_header(), verify=self._verify, json=options, params=params,
                data=data or None, files=files, timeout=self.request_timeout, allow_redirects=False,
            )  # fmt: skip
            if answer.status_code >= 300:
                raise failure_of(answer.status_code, dict(answer.headers), _words(answer))
            return answer

        def get(self, endpoint: str, options: Any = None, params: Any = None) -> Any:
            return self.make_request("get", endpoint, options=options, params=params).json()

    return PinnedClient


def _words(answer: Any) -> str:
    try:
        found = answer.json()
    except ValueError:
        return ""
    return str(found.get("message", "")) if isinstance(found, dict) else ""
