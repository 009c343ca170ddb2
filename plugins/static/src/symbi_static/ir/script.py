"""JavaScript and TypeScript to the intermediate form, by tree-sitter; nothing is run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symbi_static.ir.nodes import (
    Assign,
    Bin,
    ClassDef,
    Comment,
    Const,
    Do,
    Expr,
    Func,
    If,
    Import,
    Jump,
    Loop,
    Module,
    Name,
    Return,
    Stmt,
    Test,
    Try,
)
from symbi_static.ir.script_expressions import MOST_DEPTH, Expressions
from symbi_static.ir.script_text import module_name, place_of, string_of, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["read_script"]


def read_script(source: str, *, typescript: bool = False) -> Module:
    """Parse; syntax errors are listed in `problems` and the rest is read all the same. Raises `RecursionError` for absurd nesting."""
    from tree_sitter import Language, Parser

    if typescript:
        import tree_sitter_typescript

        language = Language(
            tree_sitter_typescript.language_tsx()
            if re.search(r"</\w+>|/>", source)
            else tree_sitter_typescript.language_typescript()
        )
    else:
        import tree_sitter_javascript

        language = Language(tree_sitter_javascript.language())
    tree = Parser(language).parse(source.encode("utf-8", "surrogatepass"))
    reader = _Reader()
    reader.survey(tree.root_node)
    return Module(
        language="javascript", body=reader.block(tree.root_node), comments=reader.comments, problems=reader.problems
    )


class _Reader(Expressions):
    def __init__(self) -> None:
        self.comments: list[Comment] = []
        self.problems: list[tuple[int, str]] = []
        self.depth = 0

    def survey(self, root: Node) -> None:
        """Comments and syntax errors, without recursion."""
        stack = [root]
        count = 0
        while stack:
            node = stack.pop()
            count += 1
            if count > 600_000:
                raise MemoryError("too many nodes")
            if node.type in ("comment", "html_comment"):
                self.comments.append(Comment(node.start_point[0] + 1, text_of(node)))
            elif node.type == "ERROR" or node.is_missing:
                self.problems.append((node.start_point[0] + 1, "A syntax error hides a part of the source."))
            stack.extend(node.children)
        self.comments.sort(key=lambda comment: comment.line)

    def block(self, node: Node) -> list[Stmt]:
        """The statements below a node, hoisted functions first."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise RecursionError("nested too deeply")
        out: list[Stmt] = []
        hoisted: list[Stmt] = []
        for child in node.named_children:
            made = self.statement(child)
            (
                hoisted
                if child.type.endswith("function_declaration")
                or (
                    child.type == "export_statement"
                    and made
                    and isinstance(made[0], Assign)
                    and isinstance(made[0].value, Func)
                )
                else out
            ).extend(made)
        self.depth -= 1
        return hoisted + out

    def body(self, node: Node | None) -> list[Stmt]:
        if node is None:
            return []
        if node.type in ("statement_block", "program", "class_body"):
            return self.block(node)
        if node.type == "else_clause":
            return self.body(node.named_children[-1]) if node.named_children else []
        return self.statement(node)

    def statement(self, node: Node) -> list[Stmt]:
        at = place_of(node)
        match node.type:
            case (
                "comment"
                | "empty_statement"
                | "ERROR"
                | "interface_declaration"
                | "type_alias_declaration"
                | "html_comment"
            ):
                return []
            case "lexical_declaration" | "variable_declaration":
                return [
                    stmt
                    for child in node.named_children
                    if child.type == "variable_declarator"
                    for stmt in self.declarator(child)
                ]
            case "function_declaration" | "generator_function_declaration":
                func = self.function(node)
                return [Assign(*at, [Name(*at, func.name)], func)]
            case "class_declaration" | "abstract_class_declaration":
                return [self.class_of(node)]
            case "return_statement":
                value = node.named_children[0] if node.named_children else None
                return [Return(*at, self.expr(value) if value else None)]
            case "throw_statement":
                return [Jump(*at, "raise", self.expr(node.named_children[0]) if node.named_children else None)]
            case "break_statement" | "continue_statement":
                return [Jump(*at, node.type.split("_")[0])]
            case "if_statement":
                test = self.expr(node.child_by_field_name("condition"))
                return [
                    If(
                        *at,
                        test,
                        self.body(node.child_by_field_name("consequence")),
                        self.body(node.child_by_field_name("alternative")),
                    )
                ]
            case "import_statement":
                return self.imports(node)
            case "export_statement":
                return self.exported(node)
            case "statement_block" | "labeled_statement" | "internal_module" | "module":
                return self.block(node)
            case _:
                return self.flow(node, at)

    def flow(self, node: Node, at: tuple[int, int]) -> list[Stmt]:
        field = node.child_by_field_name
        match node.type:
            case "for_in_statement":
                left = field("left")
                return [
                    Loop(
                        *at,
                        self.pattern(left) if left else None,
                        self.expr(field("right")),
                        None,
                        self.body(field("body")),
                    )
                ]
            case "for_statement":
                start = field("initializer")
                test = field("condition")
                inner = self.body(field("body"))
                always = test is None or test.type == "empty_statement"
                loop = Loop(*at, None, None, Const(*at, True) if always else self.expr(test), inner)
                return [*(self.statement(start) if start else []), loop]
            case "while_statement" | "do_statement":
                return [Loop(*at, None, None, self.expr(field("condition")), self.body(field("body")))]
            case "try_statement":
                handler = field("handler")
                param = handler.child_by_field_name("parameter") if handler else None
                handlers = (
                    [(text_of(param) if param else "", self.body(handler.child_by_field_name("body")))]
                    if handler
                    else []
                )
                final = field("finalizer")
                return [
                    Try(
                        *at,
                        self.body(field("body")),
                        handlers,
                        self.body(final.child_by_field_name("body")) if final else [],
                    )
                ]
            case "switch_statement":
                return self.switch(node, at)
            case "expression_statement":
                child = node.named_children[0] if node.named_children else None
                return self.expression_statement(child, at) if child is not None else []
            case "with_statement":
                return self.body(field("body"))
            case _:
                return [Do(*at, self.expr(node))]

    def expression_statement(self, node: Node, at: tuple[int, int]) -> list[Stmt]:
        if node.type == "sequence_expression":
            return [stmt for child in node.named_children for stmt in self.expression_statement(child, at)]
        if node.type in ("assignment_expression", "augmented_assignment_expression"):
            return [self.assignment(node, at)]
        return [Do(*at, self.expr(node))]

    def assignment(self, node: Node, at: tuple[int, int]) -> Assign:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        value = self.expr(right)
        if node.type.startswith("augmented"):
            op = text_of(node.child_by_field_name("operator")).rstrip("=") or "+"
            value = Bin(*at, op if op in "+-*/%^|" else "?", self.expr(left), value)
        if isinstance(value, Func) and value.name == "<lambda>" and left is not None:
            value.name = re.split(r"\W+", text_of(left))[-1] or "<lambda>"
        return Assign(*at, [self.pattern(left)], value)

    def switch(self, node: Node, at: tuple[int, int]) -> list[Stmt]:
        subject = self.expr(node.child_by_field_name("value"))
        rest: list[Stmt] = []
        cases = node.child_by_field_name("body")
        for case in reversed(cases.named_children if cases else []):
            value = case.child_by_field_name("value")
            skip = value.id if value is not None else -1
            body = [
                stmt
                for child in case.named_children
                if child.id != skip
                for stmt in self.statement(child)
                if not (isinstance(stmt, Jump) and stmt.kind == "break")
            ]
            rest = [If(*at, Test(*at, "==", [subject, self.expr(value)]), body, rest)] if value is not None else body
        return rest

    def declarator(self, node: Node) -> list[Stmt]:
        at = place_of(node)
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if value is None:
            return []
        made = self.expr(value)
        if isinstance(made, Func) and made.name == "<lambda>" and name is not None:
            made.name = text_of(name)
        return [Assign(*at, [self.pattern(name)], made)]

    def imports(self, node: Node) -> list[Stmt]:
        at = place_of(node)
        source = node.child_by_field_name("source")
        module = module_name(string_of(source)) if source else ""
        pairs: list[tuple[str, str]] = []
        stack = list(node.named_children)
        while stack:
            child = stack.pop()
            if child.type == "import_specifier":
                name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
                pairs.append((text_of(alias or name), f"{module}.{text_of(name)}"))
            elif child.type == "namespace_import":
                pairs.append((text_of(child.named_children[-1]), module))
            elif child.type == "identifier":
                pairs.append((text_of(child), module))
            else:
                stack.extend(child.named_children)
        return [Import(*at, pairs)]

    def exported(self, node: Node) -> list[Stmt]:
        declared = node.child_by_field_name("declaration")
        if declared is not None:
            return self.statement(declared)
        value = node.child_by_field_name("value")
        if value is not None:
            made = self.expr(value)
            if isinstance(made, Func):
                made.name = made.name if made.name != "<lambda>" else "default"
                return [Assign(*place_of(node), [Name(*place_of(node), made.name)], made)]
            return [Do(*place_of(node), made)]
        return []

    def class_of(self, node: Node) -> ClassDef:
        at = place_of(node)
        body: list[Stmt] = []
        bases: list[Expr] = []
        for child in node.named_children:
            if child.type == "class_heritage":
                bases = [
                    self.expr(part.named_children[0] if part.type == "extends_clause" else part)
                    for part in child.named_children[:1]
                ]
        inner = node.child_by_field_name("body")
        for member in inner.named_children if inner else []:
            place = place_of(member)
            name = member.child_by_field_name("name") or member.child_by_field_name("property")
            if member.type == "method_definition":
                body.append(Assign(*place, [Name(*place, text_of(name))], self.function(member)))
            elif member.type in ("field_definition", "public_field_definition"):
                value = member.child_by_field_name("value")
                if value is not None and name is not None:
                    body.append(Assign(*place, [Name(*place, text_of(name))], self.expr(value)))
        own = node.child_by_field_name("name")
        return ClassDef(*at, text_of(own) if own else "class", bases, body)

    def function(self, node: Node) -> Func:
        at = place_of(node)
        name = node.child_by_field_name("name")
        params = node.child_by_field_name("parameters")
        single = node.child_by_field_name("parameter")
        nodes = (
            [single]
            if single is not None
            else [child for child in (params.named_children if params else []) if child.type not in ("comment", "this")]
        )
        body = node.child_by_field_name("body")
        if body is None:
            inner: list[Stmt] = []
        elif body.type == "statement_block":
            inner = self.block(body)
        else:
            inner = [Return(*place_of(body), self.expr(body))]
        return Func(*at, text_of(name) if name else "<lambda>", [self.param(child) for child in nodes], inner)
