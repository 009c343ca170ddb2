"""The form of a declarative tool: a TOML file that names arguments with their types, and one command or one HTTP request."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Literal

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.tools import Risk, ToolSpec

__all__ = ["Argument", "CommandAction", "HttpAction", "Manifest", "fill", "read_manifest"]

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Argument(_Strict, frozen=True, kw_only=True):
    """One argument: its JSON type and bounds; `pattern` must match the whole text."""

    type: Literal["string", "integer", "number", "boolean"] = "string"
    description: str = ""
    required: bool = True
    default: Any = None
    pattern: str | None = None
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int = 1024

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the argument."""
        found: dict[str, Any] = {"type": self.type}
        if self.type == "string":
            found["maxLength"] = self.max_length
            if self.pattern:
                found["pattern"] = f"^(?:{self.pattern})$"
        for word, value in (
            ("description", self.description),
            ("enum", list(self.choices)),
            ("minimum", self.minimum),
            ("maximum", self.maximum),
        ):
            if value not in ("", [], None):
                found[word] = value
        return found


class CommandAction(_Strict, frozen=True, kw_only=True):
    """A program with its arguments; `{name}` inside one is replaced by the argument's text. No shell ever sees it."""

    argv: tuple[str, ...]
    stdin: str | None = None
    environment: dict[str, str] = {}
    output: Literal["text", "json"] = "text"
    max_output_bytes: int = 262_144


class HttpAction(_Strict, frozen=True, kw_only=True):
    """One HTTP request; `{name}` in the URL's path and query is percent-encoded, the host is fixed.

    `secret_headers` take their values from the environment of the runtime; they are never shown to the agent.
    """

    url: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: dict[str, str] = {}
    secret_headers: dict[str, str] = {}
    json: dict[str, Any] | None = None
    output: Literal["text", "json"] = "json"
    max_output_bytes: int = 262_144
    private_host: bool = False


class Manifest(_Strict, frozen=True, kw_only=True):
    """A whole manifest."""

    name: str
    description: str
    risk: Risk = "medium"
    idempotent: bool = False
    timeout_seconds: float = 30.0
    arguments: dict[str, Argument] = {}
    command: CommandAction | None = None
    http: HttpAction | None = None

    def spec(self) -> ToolSpec:
        """Return the tool as models and policies see it."""
        properties = {name: argument.schema() for name, argument in self.arguments.items()}
        required = [name for name, argument in self.arguments.items() if argument.required]
        schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        return ToolSpec(
            name=self.name,
            description=self.description,
            parameters=schema,
            risk=self.risk,
            idempotent=self.idempotent,
            timeout_seconds=self.timeout_seconds,
            network=self.http is not None,
        )


def read_manifest(text: str, *, file: str) -> Manifest:
    """Read and check one manifest; raises `ConfigError` that names the file and the field."""
    try:
        manifest = msgspec.convert(tomllib.loads(text), Manifest)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{file}: {error}", path=file) from None
    for problem in _problems(manifest):
        raise ConfigError(f"{file}: {problem}", path=file)
    return manifest


def fill(template: str, values: dict[str, Any], *, quote: Any = str) -> str:
    """Replace each `{name}` by its value's text, passed through `quote`."""
    return _PLACEHOLDER.sub(lambda match: quote(_text(values.get(match[1], ""))), template)


def _problems(manifest: Manifest) -> list[str]:
    found = []
    if not _NAME.fullmatch(manifest.name):
        found.append(f"name: {manifest.name!r} must be lower-case letters, digits and _")
    if (manifest.command is None) == (manifest.http is None):
        found.append("exactly one of [command] and [http] is needed")
    if manifest.command is not None and (not manifest.command.argv or _PLACEHOLDER.search(manifest.command.argv[0])):
        found.append("command.argv: the program itself must be named and fixed")
    if manifest.http is not None:
        host = manifest.http.url.partition("://")[2].partition("/")[0]
        if not manifest.http.url.startswith(("https://", "http://")) or not host or "{" in host or "@" in host:
            found.append("http.url: must be http(s) with a fixed host")
    for name, argument in manifest.arguments.items():
        if argument.pattern is not None:
            try:
                re.compile(argument.pattern)
            except re.error as error:
                found.append(f"arguments.{name}.pattern: {error}")
    unknown = _used(manifest) - manifest.arguments.keys()
    if unknown:
        found.append(f"{{{sorted(unknown)[0]}}} is no argument")
    return found


def _used(manifest: Manifest) -> set[str]:
    texts = (
        [*manifest.command.argv, manifest.command.stdin or ""]
        if manifest.command
        else [manifest.http.url, str(manifest.http.json or "")]
        if manifest.http
        else []
    )
    return {match[1] for text in texts for match in _PLACEHOLDER.finditer(text)}


def _text(value: Any) -> str:
    return "true" if value is True else "false" if value is False else "" if value is None else str(value)
