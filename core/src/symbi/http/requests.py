"""Request bodies: JSON of bounded depth, decoded strictly into what the handler asks for, with the field that is wrong in the error."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Request
from litestar.serialization import default_deserializer
from litestar.types.empty import Empty

from symbi.contracts.errors import InvalidRequest
from symbi.http.errors import UnsupportedMedia

__all__ = ["JsonRequest", "RequestBody", "check_depth", "explain"]

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_WHERE = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(r"(?:missing required|contains unknown) field `(?P<field>[^`]+)`")


class RequestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of request bodies: an unknown field is refused by name. Subclasses must say `kw_only=True` again where they need it."""


class JsonRequest(Request[Any, Any, Any]):
    """The request class of the application."""

    async def json(self) -> Any:
        """Return the body as the handler's `data` type wants it; raises `InvalidRequest` or `UnsupportedMedia`."""
        if self._json is not Empty:
            return self._json
        if self._connection_state.json is not Empty:
            self._json = self._connection_state.json
            return self._json
        media = self.content_type[0].lower()
        if media and media != "application/json" and not media.endswith("+json"):
            raise UnsupportedMedia("The body must be JSON (Content-Type: application/json).")
        body = await self.body() or b"null"
        check_depth(body, most=self.app.state.max_json_depth)
        self._json = self._connection_state.json = self._decode(body)
        return self._json

    def _decode(self, body: bytes) -> Any:
        try:
            return msgspec.json.decode(body, type=_wanted(self.route_handler), dec_hook=_decode_other)
        except msgspec.ValidationError as error:
            raise InvalidRequest(*_sentence(error), details=explain(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidRequest(
                "The body is not valid JSON.", code="INVALID_JSON", details={"reason": str(error)}
            ) from None
        except RecursionError:
            raise _too_deep() from None


def check_depth(body: bytes, *, most: int) -> None:
    """Raise `InvalidRequest` where lists and objects nest deeper than `most`; what is no JSON is left to the decoder.

    Few brackets pass at once; otherwise the brackets alone are kept and the innermost pairs removed, one level at a time, at the speed of C.
    """
    if body.count(b"[") + body.count(b"{") <= most:
        return
    brackets = _STRINGS.sub(b"", body).translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(most):
        shorter = brackets.replace(b"[]", b"")
        if not shorter or len(shorter) == len(brackets):
            return
        brackets = shorter
    raise _too_deep()


def explain(error: msgspec.ValidationError) -> dict[str, Any]:
    """Return `{field, reason}` of what msgspec found wrong; `field` is a path such as `steps[2].name`."""
    found = _WHERE.match(str(error))
    reason, path = (found["reason"], found["path"] or "$") if found else (str(error), "$")
    named = _NAMED.search(reason)
    inside = path.removeprefix("$").removeprefix(".")
    field = ".".join(part for part in (inside, named["field"] if named else "") if part)
    return {"field": field, "reason": reason}


def _sentence(error: msgspec.ValidationError) -> tuple[str]:
    details = explain(error)
    return (f"{details['field']}: {details['reason']}" if details["field"] else details["reason"],)


def _wanted(handler: Any) -> Any:
    """Return the type that the handler's `data` parameter wants, or `Any` where Litestar is to make it (a DTO, none)."""
    if getattr(handler, "dto", None) is not None and handler.resolve_data_dto() is not None:
        return Any
    field = handler.parsed_fn_signature.parameters.get("data")
    return Any if field is None else field.annotation


def _decode_other(kind: Any, value: Any) -> Any:
    return default_deserializer(kind, value)


def _too_deep() -> InvalidRequest:
    return InvalidRequest("The body is nested too deeply.", code="JSON_TOO_DEEP")
