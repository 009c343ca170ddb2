"""A Teams on loopback: Workflows and connector webhooks, Bot Framework token endpoint, keys and connector; it sends the awkward things too."""

from __future__ import annotations

import base64
import itertools
import json
import time
from typing import Any

from symbi.testing.chat_servers import Answer, Call, ChatServer

__all__ = ["FakeTeams", "teams_activity"]

_ISSUER = "https://api.botframework.com"
_MOST_BYTES = 28 * 1024


class FakeTeams(ChatServer):
    """`sign` makes the tokens with which the Bot Framework calls a bot; `activities` are the messages as they stand."""

    app_id = "00000000-1111-2222-3333-444444444444"
    app_password = "fake-app-password-000"

    def __init__(self) -> None:
        super().__init__()
        self.activities: dict[str, dict[str, Any]] = {}
        self._ids = itertools.count(1)
        self._keys: dict[str, Any] = {}
        self.rotate("key1")

    def rotate(self, key_id: str) -> None:
        """Sign with another key, and publish no other."""
        from cryptography.hazmat.primitives.asymmetric import rsa

        self._keys = {key_id: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def sign(self, *, key_id: str = "", algorithm: str = "RS256", **claims: Any) -> str:
        """Return a token as the Bot Framework sends it; `claims` replace those of a good one."""
        import jwt

        now = int(time.time())
        good = {"iss": _ISSUER, "aud": self.app_id, "nbf": now - 5, "exp": now + 600, "serviceurl": self.url}
        name, key = next(iter(self._keys.items()))
        body = {key: value for key, value in {**good, **claims}.items() if value is not None}
        if algorithm == "none":
            return jwt.encode(body, "", algorithm="none", headers={"kid": name})
        if algorithm.startswith("HS"):
            return jwt.encode(
                body, "a-secret-that-everybody-could-know-000", algorithm=algorithm, headers={"kid": name}
            )
        return jwt.encode(body, key, algorithm=algorithm, headers={"kid": key_id or name})

    async def respond(self, call: Call) -> Answer:
        """Answer as the services do."""
        if call.path.startswith(("/workflow/", "/connector/")):
            return self._hook(call)
        if call.path == "/openid":
            return Answer(
                body={
                    "issuer": _ISSUER,
                    "jwks_uri": f"{self.url}/keys",
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        if call.path == "/keys":
            return Answer(body={"keys": [_jwk(name, key) for name, key in self._keys.items()]})
        if call.path.endswith("/oauth2/v2.0/token"):
            form = call.form()
            if (form.get("client_id"), form.get("client_secret")) != (self.app_id, self.app_password):
                return Answer(status=401, body={"error": "invalid_client", "error_description": "AADSTS7000215"})
            return Answer(
                body={
                    "token_type": "Bearer",
                    "expires_in": 3599,
                    "access_token": f"fake-access-token-{next(self._ids)}",
                }
            )
        return self._connector(call)

    def _hook(self, call: Call) -> Answer:
        if len(call.body) > _MOST_BYTES:
            return Answer(status=413, body="too large")
        if call.path.startswith("/workflow/"):
            good = any(
                each.get("contentType") == "application/vnd.microsoft.card.adaptive"
                for each in call.json().get("attachments") or []
            )
            return Answer(status=202) if good else Answer(status=400, body="'attachments' is of type 'Null'")
        if call.json().get("@type") == "MessageCard":
            return Answer(body="1")
        return Answer(status=400, body="Bad payload received by generic incoming webhook.")

    def _connector(self, call: Call) -> Answer:
        if not call.headers.get("authorization", "").startswith("Bearer fake-access-token"):
            return Answer(status=401, body={"message": "Authorization has been denied for this request."})
        parts = call.path.strip("/").split("/")
        if call.method == "POST" and parts == ["v3", "conversations"]:
            return Answer(status=201, body={"id": f"direct-{call.json()['members'][0]['id']}"})
        if len(parts) >= 4 and parts[:2] == ["v3", "conversations"] and parts[3] == "activities":
            if len(call.body) > _MOST_BYTES:
                return Answer(status=413, body={"error": {"code": "MessageSizeTooBig"}})
            ident = parts[4] if call.method == "PUT" else f"activity{next(self._ids)}"
            if call.method == "PUT" and ident not in self.activities:
                return Answer(status=404, body={"error": {"code": "ActivityNotFound"}})
            self.activities[ident] = {**call.json(), "conversation_id": parts[2]}
            return Answer(status=201, body={"id": ident})
        return Answer(status=404, body={"error": {"code": "NotFound"}})


def teams_activity(text: str = "<at>Symbi</at> hello", *, service_url: str, ident: str = "a1", **more: Any) -> bytes:
    """Return the body with which the Bot Framework brings a message."""
    body = {
        "type": "message", "id": ident, "timestamp": "2026-03-03T15:42:00.123Z", "serviceUrl": service_url, "channelId": "msteams",
        "from": {"id": "29:ann", "name": "Ann", "aadObjectId": "aad-ann"}, "recipient": {"id": "28:bot", "name": "Symbi"},
        "conversation": {"id": "19:room@thread.tacv2;messageid=root1", "conversationType": "channel", "tenantId": "tenant1"}, "text": text,
        "entities": [{"type": "mention", "mentioned": {"id": "28:bot", "name": "Symbi"}, "text": "<at>Symbi</at>"}],
        "channelData": {"tenant": {"id": "tenant1"}, "team": {"id": "team1"}}, **more,
    }  # fmt: skip
    return json.dumps(body).encode()


def _jwk(name: str, key: Any) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "use": "sig", "kid": name, "n": _number(numbers.n), "e": _number(numbers.e)}


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
