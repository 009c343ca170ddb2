"""Expressions of JavaScript and TypeScript in the intermediate form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from symbi_static.ir.nodes import (
    Assign,
    Attr,
    Bin,
    Call,
    Cond,
    Const,
    DictOf,
    Expr,
    Func,
    Index,
    Join,
    Name,
    Not,
    Param,
    Seq,
    Test,
)
from symbi_static.ir.script_text import number_of, place_of, string_of, text_of, unescape

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["MOST_DEPTH", "Expressions"]

_FUNCTIONS = (
    "function_declaration",
    "generator_function_declaration",
    "function_expression",
    "arrow_function",
    "generator_function",
    "method_definition",
    "function",
)
_WRAPPERS = (
    "parenthesized_expression",
    "await_expression",
    "as_expression",
    "satisfies_expression",
    "non_null_expression",
    "type_assertion",
    "expression_statement",
    "spread_element",
    "else_clause",
    "export_clause",
    "computed_property_name",
    "template_substitution",
    "rest_pattern",
    "instantiation_expression",
)
MOST_DEPTH = 400


class Expressions(ABC):
    """Reads expressions and patterns; the reader of statements adds functions."""

    depth = 0

    @abstractmethod
    def function(self, node: Node) -> Func:
        """A function, read by the reader of statements."""

    @abstractmethod
    def assignment(self, node: Node, at: tuple[int, int]) -> Assign:
        """An assignment, read by the reader of statements."""

    def param(self, node: Node) -> Param:
        default: Expr | None = None
        inner: Node | None = node
        if node.type in ("required_parameter", "optional_parameter"):
            inner = node.child_by_field_name("pattern") or (node.named_children[0] if node.named_children else None)
            value = node.child_by_field_name("value")
            default = self.expr(value) if value is not None else None
        elif node.type == "assignment_pattern":
            inner = node.child_by_field_name("left")
            default = self.expr(node.child_by_field_name("right"))
        rest = inner is not None and inner.type == "rest_pattern"
        target = self.pattern(inner)
        name = target.id if isinstance(target, Name) else "arguments"
        return Param(target, f"*{name}" if rest else name, default)

    def pattern(self, node: Node | None) -> Expr:
        if node is None:
            return Name(0, 0, "_")
        at = place_of(node)
        match node.type:
            case "object_pattern":
                keys: list[Expr | None] = []
                values: list[Expr] = []
                for child in node.named_children:
                    key = child.child_by_field_name("key") or child.child_by_field_name("left") or child
                    value = child.child_by_field_name("value") or key
                    rest = child.type == "rest_pattern"
                    keys.append(None if rest else Const(*place_of(child), text_of(key)))
                    values.append(self.pattern(value))
                return DictOf(*at, keys, values)
            case "array_pattern":
                return Seq(*at, [self.pattern(child) for child in node.named_children])
            case "assignment_pattern" | "object_assignment_pattern":
                return self.pattern(node.child_by_field_name("left"))
            case "shorthand_property_identifier_pattern" | "identifier":
                return Name(*at, text_of(node))
            case (
                "rest_pattern"
                | "parenthesized_expression"
                | "lexical_declaration"
                | "variable_declaration"
                | "variable_declarator"
            ):
                return self.pattern(node.named_children[0]) if node.named_children else Name(*at, "_")
            case _:
                return self.expr(node)

    def expr(self, node: Node | None) -> Expr:
        if node is None:
            return Const(0, 0, None)
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise RecursionError("nested too deeply")
        try:
            return self._expr(node, place_of(node))
        finally:
            self.depth -= 1

    def _expr(self, node: Node, at: tuple[int, int]) -> Expr:
        field = node.child_by_field_name
        match node.type:
            case "string":
                return Const(*at, string_of(node))
            case "number":
                return Const(*at, number_of(text_of(node)))
            case "true" | "false":
                return Const(*at, node.type == "true")
            case (
                "identifier"
                | "this"
                | "property_identifier"
                | "shorthand_property_identifier"
                | "super"
                | "private_property_identifier"
            ):
                return Name(*at, text_of(node))
            case "template_string":
                return self.template(node, at)
            case "member_expression":
                return Attr(*at, self.expr(field("object")), text_of(field("property")))
            case "subscript_expression":
                return Index(*at, self.expr(field("object")), self.expr(field("index")))
            case "call_expression" | "new_expression":
                return self.call(node, at)
            case "binary_expression":
                return self.binary(node, at)
            case "unary_expression":
                inner = self.expr(field("argument"))
                operator = text_of(field("operator"))
                if operator == "-" and isinstance(inner, Const) and isinstance(inner.value, int | float):
                    return Const(*at, -inner.value)
                return Not(*at, inner) if operator == "!" else Const(*at, "") if operator == "typeof" else inner
            case "ternary_expression":
                return Cond(
                    *at, self.expr(field("condition")), self.expr(field("consequence")), self.expr(field("alternative"))
                )
            case _:
                return self._other(node, at)

    def _other(self, node: Node, at: tuple[int, int]) -> Expr:
        field = node.child_by_field_name
        match node.type:
            case "assignment_expression" | "augmented_assignment_expression":
                made = self.assignment(node, at)
                return Call(*at, Name(*at, "$walrus"), [made.targets[0], made.value], {}, [])
            case "array":
                return Seq(*at, [self.expr(child) for child in node.named_children if child.type != "comment"])
            case "object":
                return self.object_of(node, at)
            case "regex":
                pattern = field("pattern")
                return Call(*at, Name(*at, "$regex"), [Const(*at, text_of(pattern) if pattern else "")], {}, [])
            case "yield_expression":
                return Call(*at, Name(*at, "$yield"), [self.expr(child) for child in node.named_children[:1]], {}, [])
            case "sequence_expression":
                return self.expr(node.named_children[-1])
            case "class":
                return Const(*at, None)
            case _ if node.type in _FUNCTIONS:
                return self.function(node)
            case _ if node.type in _WRAPPERS:
                return self.expr(node.named_children[0]) if node.named_children else Const(*at, None)
            case _:
                return (
                    Seq(*at, [self.expr(child) for child in node.named_children])
                    if node.type.startswith("jsx")
                    else Const(*at, None)
                )

    def template(self, node: Node, at: tuple[int, int]) -> Expr:
        parts: list[Expr] = []
        for child in node.named_children:
            if child.type == "template_substitution":
                parts.append(self.expr(child))
            else:
                parts.append(Const(*place_of(child), unescape(text_of(child))))
        if not parts:
            return Const(*at, "")
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Const) else Join(*at, parts)

    def call(self, node: Node, at: tuple[int, int]) -> Expr:
        function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        arguments = node.child_by_field_name("arguments")
        is_new = node.type == "new_expression"
        args: list[Expr] = []
        spread: list[Expr] = []
        if arguments is not None and arguments.type == "template_string":
            args = [self.template(arguments, at)]
        else:
            for child in arguments.named_children if arguments else []:
                if child.type != "comment":
                    (spread if child.type == "spread_element" else args).append(self.expr(child))
        fn = Name(*at, "import") if function is not None and function.type == "import" else self.expr(function)
        return Call(*at, fn, args, {}, spread, is_new)

    def binary(self, node: Node, at: tuple[int, int]) -> Expr:
        left, right = self.expr(node.child_by_field_name("left")), self.expr(node.child_by_field_name("right"))
        op = text_of(node.child_by_field_name("operator"))
        if op in ("&&", "||", "??"):
            return Test(*at, "and" if op == "&&" else "or", [left, right])
        if op in ("===", "==", "!==", "!=", "<", ">", "<=", ">=", "in", "instanceof"):
            return Test(*at, {"===": "==", "!==": "!=", "instanceof": "isa"}.get(op, op), [left, right])
        return Bin(*at, op if op in ("+", "-", "*", "/", "%", "^", "|") else "?", left, right)

    def object_of(self, node: Node, at: tuple[int, int]) -> Expr:
        keys: list[Expr | None] = []
        values: list[Expr] = []
        for child in node.named_children:
            place = place_of(child)
            if child.type == "pair":
                key = child.child_by_field_name("key")
                value = self.expr(child.child_by_field_name("value"))
                keys.append(self.key(key))
                if isinstance(value, Func) and value.name == "<lambda>" and key is not None:
                    value.name = text_of(key)
                values.append(value)
            elif child.type == "method_definition":
                func = self.function(child)
                keys.append(Const(*place, func.name))
                values.append(func)
            elif child.type == "shorthand_property_identifier":
                keys.append(Const(*place, text_of(child)))
                values.append(Name(*place, text_of(child)))
            elif child.type == "spread_element":
                keys.append(None)
                values.append(self.expr(child))
        return DictOf(*at, keys, values)

    def key(self, node: Node | None) -> Expr:
        if node is None:
            return Const(0, 0, "")
        if node.type == "computed_property_name":
            return self.expr(node)
        return Const(*place_of(node), string_of(node) if node.type == "string" else text_of(node))
