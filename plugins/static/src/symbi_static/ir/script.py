"""JavaScript and TypeScript to the intermediate form, by tree-sitter; nothing is run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symbi_static.ir.nodes import (
    Assign,
    Attr,
    Bin,
    Call,
    ClassDef,
    Comment,
    Cond,
    Const,
    DictOf,
    Do,
    Expr,
    Func,
    If,
    Import,
    Index,
    Join,
    Jump,
    Loop,
    Module,
    Name,
    Not,
    Param,
    Return,
    Seq,
    Stmt,
    Test,
    Try,
)

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["module_name", "read_script"]

_FUNCTIONS = ("function_declaration", "generator_function_declaration", "function_expression", "arrow_function", "generator_function", "method_definition", "function")
_WRAPPERS = ("parenthesized_expression", "await_expression", "as_expression", "satisfies_expression", "non_null_expression", "type_assertion", "expression_statement", "spread_element", "else_clause", "export_clause", "computed_property_name", "template_substitution", "rest_pattern", "instantiation_expression")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_MOST_DEPTH = 400


def module_name(name: str) -> str:
    """One dotted name for a module: `node:fs/promises` is `fs.promises`."""
    bare = name.removeprefix("node:")
    return bare if bare.startswith(("@", ".", "/")) else bare.removesuffix(".js").replace("/", ".")


def read_script(source: str, *, typescript: bool = False) -> Module:
    """Parse; syntax errors are listed in `problems` and the rest is read all the same. Raises `RecursionError` for absurd nesting."""
    from tree_sitter import Language, Parser

    if typescript:
        import tree_sitter_typescript

        language = Language(tree_sitter_typescript.language_tsx() if re.search(r"</\w+>|/>", source) else tree_sitter_typescript.language_typescript())
    else:
        import tree_sitter_javascript

        language = Language(tree_sitter_javascript.language())
    tree = Parser(language).parse(source.encode("utf-8", "surrogatepass"))
    reader = _Reader()
    reader.survey(tree.root_node)
    module = Module(language="javascript", body=reader.block(tree.root_node), comments=reader.comments, problems=reader.problems)
    return module


class _Reader:
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
                self.comments.append(Comment(node.start_point[0] + 1, _text(node)))
            elif node.type == "ERROR" or node.is_missing:
                self.problems.append((node.start_point[0] + 1, "A syntax error hides a part of the source."))
            stack.extend(node.children)
        self.comments.sort(key=lambda comment: comment.line)

    def block(self, node: Node) -> list[Stmt]:
        """The statements below a node, hoisted functions first."""
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise RecursionError("nested too deeply")
        out: list[Stmt] = []
        hoisted: list[Stmt] = []
        for child in node.named_children:
            made = self.statement(child)
            (hoisted if child.type.endswith("function_declaration") or (child.type == "export_statement" and made and isinstance(made[0], Assign) and isinstance(made[0].value, Func)) else out).extend(made)
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
        at = _at(node)
        match node.type:
            case "comment" | "empty_statement" | "ERROR" | "interface_declaration" | "type_alias_declaration" | "html_comment":
                return []
            case "lexical_declaration" | "variable_declaration":
                return [stmt for child in node.named_children if child.type == "variable_declarator" for stmt in self.declarator(child)]
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
                return [If(*at, test, self.body(node.child_by_field_name("consequence")), self.body(node.child_by_field_name("alternative")))]
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
                return [Loop(*at, self.pattern(left) if left else None, self.expr(field("right")), None, self.body(field("body")))]
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
                handlers = [(_text(param) if param else "", self.body(handler.child_by_field_name("body")))] if handler else []
                final = field("finalizer")
                return [Try(*at, self.body(field("body")), handlers, self.body(final.child_by_field_name("body")) if final else [])]
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
            op = _text(node.child_by_field_name("operator")).rstrip("=") or "+"
            value = Bin(*at, op if op in "+-*/%^|" else "?", self.expr(left), value)
        if isinstance(value, Func) and value.name == "<lambda>" and left is not None:
            value.name = re.split(r"\W+", _text(left))[-1] or "<lambda>"
        return Assign(*at, [self.pattern(left)], value)

    def switch(self, node: Node, at: tuple[int, int]) -> list[Stmt]:
        subject = self.expr(node.child_by_field_name("value"))
        rest: list[Stmt] = []
        cases = node.child_by_field_name("body")
        for case in reversed(cases.named_children if cases else []):
            value = case.child_by_field_name("value")
            skip = value.id if value is not None else -1
            body = [stmt for child in case.named_children if child.id != skip for stmt in self.statement(child) if not (isinstance(stmt, Jump) and stmt.kind == "break")]
            rest = [If(*at, Test(*at, "==", [subject, self.expr(value)]), body, rest)] if value is not None else body
        return rest

    def declarator(self, node: Node) -> list[Stmt]:
        at = _at(node)
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if value is None:
            return []
        made = self.expr(value)
        if isinstance(made, Func) and made.name == "<lambda>" and name is not None:
            made.name = _text(name)
        return [Assign(*at, [self.pattern(name)], made)]

    def imports(self, node: Node) -> list[Stmt]:
        at = _at(node)
        source = node.child_by_field_name("source")
        module = module_name(_string(source)) if source else ""
        pairs: list[tuple[str, str]] = []
        stack = list(node.named_children)
        while stack:
            child = stack.pop()
            if child.type == "import_specifier":
                name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
                pairs.append((_text(alias or name), f"{module}.{_text(name)}"))
            elif child.type == "namespace_import":
                pairs.append((_text(child.named_children[-1]), module))
            elif child.type == "identifier":
                pairs.append((_text(child), module))
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
                return [Assign(*_at(node), [Name(*_at(node), made.name)], made)]
            return [Do(*_at(node), made)]
        return []

    def class_of(self, node: Node) -> ClassDef:
        at = _at(node)
        body: list[Stmt] = []
        bases: list[Expr] = []
        for child in node.named_children:
            if child.type == "class_heritage":
                bases = [self.expr(part.named_children[0] if part.type == "extends_clause" else part) for part in child.named_children[:1]]
        inner = node.child_by_field_name("body")
        for member in inner.named_children if inner else []:
            place = _at(member)
            name = member.child_by_field_name("name") or member.child_by_field_name("property")
            if member.type == "method_definition":
                body.append(Assign(*place, [Name(*place, _text(name))], self.function(member)))
            elif member.type in ("field_definition", "public_field_definition"):
                value = member.child_by_field_name("value")
                if value is not None and name is not None:
                    body.append(Assign(*place, [Name(*place, _text(name))], self.expr(value)))
        own = node.child_by_field_name("name")
        return ClassDef(*at, _text(own) if own else "class", bases, body)

    def function(self, node: Node) -> Func:
        at = _at(node)
        name = node.child_by_field_name("name")
        params = node.child_by_field_name("parameters")
        single = node.child_by_field_name("parameter")
        nodes = [single] if single is not None else [child for child in (params.named_children if params else []) if child.type not in ("comment", "this")]
        body = node.child_by_field_name("body")
        if body is None:
            inner: list[Stmt] = []
        elif body.type == "statement_block":
            inner = self.block(body)
        else:
            inner = [Return(*_at(body), self.expr(body))]
        return Func(*at, _text(name) if name else "<lambda>", [self.param(child) for child in nodes], inner)

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
        at = _at(node)
        match node.type:
            case "object_pattern":
                keys: list[Expr | None] = []
                values: list[Expr] = []
                for child in node.named_children:
                    key = child.child_by_field_name("key") or child.child_by_field_name("left") or child
                    value = child.child_by_field_name("value") or key
                    rest = child.type == "rest_pattern"
                    keys.append(None if rest else Const(*_at(child), _text(key)))
                    values.append(self.pattern(value))
                return DictOf(*at, keys, values)
            case "array_pattern":
                return Seq(*at, [self.pattern(child) for child in node.named_children])
            case "assignment_pattern" | "object_assignment_pattern":
                return self.pattern(node.child_by_field_name("left"))
            case "shorthand_property_identifier_pattern" | "identifier":
                return Name(*at, _text(node))
            case "rest_pattern" | "parenthesized_expression" | "lexical_declaration" | "variable_declaration" | "variable_declarator":
                return self.pattern(node.named_children[0]) if node.named_children else Name(*at, "_")
            case _:
                return self.expr(node)

    def expr(self, node: Node | None) -> Expr:
        if node is None:
            return Const(0, 0, None)
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise RecursionError("nested too deeply")
        try:
            return self._expr(node, _at(node))
        finally:
            self.depth -= 1

    def _expr(self, node: Node, at: tuple[int, int]) -> Expr:
        field = node.child_by_field_name
        match node.type:
            case "string":
                return Const(*at, _string(node))
            case "number":
                return Const(*at, _number(_text(node)))
            case "true" | "false":
                return Const(*at, node.type == "true")
            case "identifier" | "this" | "property_identifier" | "shorthand_property_identifier" | "super" | "private_property_identifier":
                return Name(*at, _text(node))
            case "template_string":
                return self.template(node, at)
            case "member_expression":
                return Attr(*at, self.expr(field("object")), _text(field("property")))
            case "subscript_expression":
                return Index(*at, self.expr(field("object")), self.expr(field("index")))
            case "call_expression" | "new_expression":
                return self.call(node, at)
            case "binary_expression":
                return self.binary(node, at)
            case "unary_expression":
                inner = self.expr(field("argument"))
                operator = _text(field("operator"))
                if operator == "-" and isinstance(inner, Const) and isinstance(inner.value, int | float):
                    return Const(*at, -inner.value)
                return Not(*at, inner) if operator == "!" else Const(*at, "") if operator == "typeof" else inner
            case "ternary_expression":
                return Cond(*at, self.expr(field("condition")), self.expr(field("consequence")), self.expr(field("alternative")))
            case "assignment_expression" | "augmented_assignment_expression":
                made = self.assignment(node, at)
                return Call(*at, Name(*at, "$walrus"), [made.targets[0], made.value], {}, [])
            case "array":
                return Seq(*at, [self.expr(child) for child in node.named_children if child.type != "comment"])
            case "object":
                return self.object_of(node, at)
            case "regex":
                pattern = field("pattern")
                return Call(*at, Name(*at, "$regex"), [Const(*at, _text(pattern) if pattern else "")], {}, [])
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
                return Seq(*at, [self.expr(child) for child in node.named_children]) if node.type.startswith("jsx") else Const(*at, None)

    def template(self, node: Node, at: tuple[int, int]) -> Expr:
        parts: list[Expr] = []
        for child in node.named_children:
            if child.type == "template_substitution":
                parts.append(self.expr(child))
            else:
                parts.append(Const(*_at(child), _unescape(_text(child))))
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
        op = _text(node.child_by_field_name("operator"))
        if op in ("&&", "||", "??"):
            return Test(*at, "and" if op == "&&" else "or", [left, right])
        if op in ("===", "==", "!==", "!=", "<", ">", "<=", ">=", "in", "instanceof"):
            return Test(*at, {"===": "==", "!==": "!=", "instanceof": "isa"}.get(op, op), [left, right])
        return Bin(*at, op if op in ("+", "-", "*", "/", "%", "^", "|") else "?", left, right)

    def object_of(self, node: Node, at: tuple[int, int]) -> Expr:
        keys: list[Expr | None] = []
        values: list[Expr] = []
        for child in node.named_children:
            place = _at(child)
            if child.type == "pair":
                key = child.child_by_field_name("key")
                value = self.expr(child.child_by_field_name("value"))
                keys.append(self.key(key))
                if isinstance(value, Func) and value.name == "<lambda>" and key is not None:
                    value.name = _text(key)
                values.append(value)
            elif child.type == "method_definition":
                func = self.function(child)
                keys.append(Const(*place, func.name))
                values.append(func)
            elif child.type == "shorthand_property_identifier":
                keys.append(Const(*place, _text(child)))
                values.append(Name(*place, _text(child)))
            elif child.type == "spread_element":
                keys.append(None)
                values.append(self.expr(child))
        return DictOf(*at, keys, values)

    def key(self, node: Node | None) -> Expr:
        if node is None:
            return Const(0, 0, "")
        if node.type == "computed_property_name":
            return self.expr(node)
        return Const(*_at(node), _string(node) if node.type == "string" else _text(node))


def _at(node: Node) -> tuple[int, int]:
    return node.start_point[0] + 1, node.end_point[0] + 1


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _string(node: Node | None) -> str:
    return _unescape(_text(node)[1:-1]) if node is not None else ""


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        body = match.group(1)
        if body[0] == "x" and len(body) == 3:
            return chr(int(body[1:], 16))
        if body[0] == "u" and len(body) > 1:
            point = int(body.strip("u{}"), 16)
            return chr(point) if point <= 0x10FFFF else ""
        return _ESCAPES.get(body, body)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|[\s\S])", plain, text)


def _number(text: str) -> int | float | None:
    bare = text.replace("_", "").rstrip("n")
    try:
        return int(bare, 0) if re.fullmatch(r"0[xXbBoO]\w+|\d+", bare) and len(bare) < 40 else float(bare)
    except ValueError:
        return None
