"""Checking arguments against a tool's JSON Schema, before any gate; compiled once per tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.tools import ToolSpec

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

__all__ = ["Checker", "bind"]

_SHOWN_ERRORS = 5


class Checker:
    """Checks the arguments of one tool; a schema that is broken itself refuses every call."""

    def __init__(self, spec: ToolSpec) -> None:
        self._spec = spec
        self._validator: Validator | None = None

    def check(self, arguments: dict[str, Any]) -> None:
        """Raise `InvalidRequest` (`TOOL_ARGUMENTS_INVALID`) with what does not fit."""
        errors = sorted(self._compiled().iter_errors(arguments), key=lambda error: list(map(str, error.absolute_path)))
        if errors:
            faults = [
                {"path": "/".join(map(str, error.absolute_path)), "message": error.message[:300]}
                for error in errors[:_SHOWN_ERRORS]
            ]
            first = faults[0]
            where = f"{first['path']}: " if first["path"] else ""
            raise InvalidRequest(
                f"{self._spec.name}: {where}{first['message']}",
                code="TOOL_ARGUMENTS_INVALID",
                details={"tool": self._spec.name, "errors": faults},
            )

    def _compiled(self) -> Validator:
        if self._validator is None:
            from jsonschema import Draft202012Validator
            from jsonschema.exceptions import SchemaError

            try:
                Draft202012Validator.check_schema(self._spec.parameters)
            except SchemaError as error:
                raise InvalidRequest(
                    f"the schema of the tool {self._spec.name!r} is broken: {error.message[:300]}",
                    code="TOOL_SCHEMA_INVALID",
                ) from None
            self._validator = Draft202012Validator(self._spec.parameters)
        return self._validator


def bind(spec: ToolSpec, positional: Sequence[Any], named: dict[str, Any]) -> dict[str, Any]:
    """Turn a call's arguments into one object; raises `InvalidRequest` for too many or doubled ones."""
    order = spec.positional or tuple(spec.parameters.get("properties", {}))
    if len(positional) > len(order):
        raise InvalidRequest(
            f"{spec.name} takes at most {len(order)} arguments without a name, got {len(positional)}",
            code="TOOL_ARGUMENTS_INVALID",
        )
    arguments = dict(zip(order, positional, strict=False))
    doubled = arguments.keys() & named.keys()
    if doubled:
        raise InvalidRequest(f"{spec.name}: {sorted(doubled)[0]!r} is given twice", code="TOOL_ARGUMENTS_INVALID")
    return {**arguments, **named}
