"""Python source to the intermediate form, by the standard library's `ast`; nothing is imported or run."""

from __future__ import annotations

import ast
import io
import tokenize

from symbi_static.ir.nodes import (
    Assign,
    Attr,
    Bin,
    Call,
    ClassDef,
    Comment,
    Comp,
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

__all__ = ["read_python"]

_OPS = {
    ast.Add: "+",
    ast.Mod: "%",
    ast.Div: "/",
    ast.Mult: "*",
    ast.Sub: "-",
    ast.BitXor: "^",
    ast.BitOr: "|",
    ast.FloorDiv: "//",
}
_TESTS = {ast.In: "in", ast.NotIn: "not in", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}  # fmt: skip  # noqa: E501  # one list, one place
_FUNCS = (ast.FunctionDef, ast.AsyncFunctionDef)


def read_python(source: str) -> Module:
    """Parse; raises `SyntaxError`, `ValueError`, `RecursionError` or `MemoryError` as `ast` does."""
    tree = ast.parse(source)
    return Module(
        language="python",
        body=_block(tree.body),
        comments=_comments(source),
        doc=ast.get_docstring(tree, clean=False) or "",
    )


def _comments(source: str) -> list[Comment]:
    found: list[Comment] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                found.append(Comment(token.start[0], token.string))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass
    return found


def _at(node: ast.AST) -> tuple[int, int]:
    line = getattr(node, "lineno", 0)
    return line, getattr(node, "end_lineno", None) or line


def _block(nodes: list[ast.stmt]) -> list[Stmt]:
    out: list[Stmt] = []
    for node in nodes:
        out.extend(_stmt(node))
    return out


def _stmt(node: ast.stmt) -> list[Stmt]:
    at = _at(node)
    match node:
        case ast.Expr(value=value):
            return [Do(*at, _expr(value))]
        case ast.Assign(targets=targets, value=value):
            return [Assign(*at, [_expr(target) for target in targets], _expr(value))]
        case ast.AnnAssign(target=target, value=value):
            return [Assign(*at, [_expr(target)], _expr(value))] if value is not None else []
        case ast.AugAssign(target=target, op=op, value=value):
            joined = Bin(*at, _OPS.get(type(op), "?"), _expr(target), _expr(value))
            return [Assign(*at, [_expr(target)], joined)]
        case ast.Return(value=value):
            return [Return(*at, _expr(value) if value else None)]
        case ast.If(test=test, body=body, orelse=orelse):
            return [If(*at, _expr(test), _block(body), _block(orelse))]
        case ast.For() | ast.AsyncFor():
            return [Loop(*at, _expr(node.target), _expr(node.iter), None, _block(node.body)), *_block(node.orelse)]
        case ast.While(test=test, body=body, orelse=orelse):
            return [Loop(*at, None, None, _expr(test), _block(body)), *_block(orelse)]
        case ast.With() | ast.AsyncWith():
            return [*_entered(node.items, at), *_block(node.body)]
        case ast.Try() | ast.TryStar():
            handlers = [(handler.name or "", _block(handler.body)) for handler in node.handlers]
            return [Try(*at, [*_block(node.body), *_block(node.orelse)], handlers, _block(node.finalbody))]
        case ast.Raise(exc=exc):
            return [Jump(*at, "raise", _expr(exc) if exc else None)]
        case ast.Break():
            return [Jump(*at, "break")]
        case ast.Continue():
            return [Jump(*at, "continue")]
        case ast.Assert(test=test):
            inverse: list[Stmt] = [Jump(*at, "raise")]
            return [If(*at, Not(*at, _expr(test)), inverse, [])]
        case ast.Match(subject=subject, cases=cases):
            return _match(_expr(subject), cases, at)
        case _:
            return _definition(node, at)


def _definition(node: ast.stmt, at: tuple[int, int]) -> list[Stmt]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            func = _function(node)
            return [Assign(func.line, func.end, [Name(func.line, func.line, node.name)], func)]
        case ast.ClassDef():
            body = _block(node.body)
            for item in body:
                if isinstance(item, Assign) and isinstance(item.value, Func):
                    item.value.owner = node.name
            return [
                ClassDef(
                    *at,
                    node.name,
                    [_expr(base) for base in node.bases],
                    body,
                    ast.get_docstring(node, clean=False) or "",
                )
            ]
        case ast.Import(names=names):
            pairs = [
                (alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0])
                for alias in names
            ]
            extra = [(alias.name, alias.name) for alias in names if not alias.asname and "." in alias.name]
            return [Import(*at, pairs + extra)]
        case ast.ImportFrom(module=module, names=names, level=level):
            prefix = "." * level + (module or "")
            return [Import(*at, [(alias.asname or alias.name, f"{prefix}.{alias.name}") for alias in names])]
        case ast.Delete(targets=targets):
            return [Do(*at, Seq(*at, [_expr(target) for target in targets]))]
        case _:
            return []


def _entered(items: list[ast.withitem], at: tuple[int, int]) -> list[Stmt]:
    out: list[Stmt] = []
    for item in items:
        value = _expr(item.context_expr)
        out.append(Assign(*at, [_expr(item.optional_vars)], value) if item.optional_vars else Do(*at, value))
    return out


def _match(subject: Expr, cases: list[ast.match_case], at: tuple[int, int]) -> list[Stmt]:
    rest: list[Stmt] = []
    for case in reversed(cases):
        body = _block(case.body)
        values = [_expr(part.value) for part in ast.walk(case.pattern) if isinstance(part, ast.MatchValue)]
        names = [part.name for part in ast.walk(case.pattern) if isinstance(part, ast.MatchAs) and part.name]
        bound: list[Stmt] = [Assign(*at, [Name(*at, name)], subject) for name in names]
        test = Test(*at, "in", [subject, Seq(*at, values)]) if values else Const(*at, None)
        rest = [If(*at, test, bound + body, rest)]
    return rest


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Func:
    spec = node.args
    plain = [*spec.posonlyargs, *spec.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(spec.defaults)) + list(spec.defaults)
    pairs = list(zip(plain, defaults, strict=True)) + list(zip(spec.kwonlyargs, spec.kw_defaults, strict=True))
    params = [Param(Name(*_at(arg), arg.arg), arg.arg, _expr(default) if default else None) for arg, default in pairs]
    params += [
        Param(Name(*_at(arg), arg.arg), prefix + arg.arg)
        for arg, prefix in ((spec.vararg, "*"), (spec.kwarg, "**"))
        if arg
    ]
    if isinstance(node, ast.Lambda):
        return Func(*_at(node), "<lambda>", params, [Return(*_at(node.body), _expr(node.body))])
    doc = ast.get_docstring(node, clean=False) or ""
    shared = frozenset(
        name for part in ast.walk(node) if isinstance(part, ast.Global | ast.Nonlocal) for name in part.names
    )
    marks = [_expr(mark) for mark in node.decorator_list]
    doc_line = node.body[0].lineno if doc else 0
    return Func(*_at(node), node.name, params, _block(node.body), marks, doc, doc_line, globals=shared)


def _expr(node: ast.expr) -> Expr:
    at = _at(node)
    match node:
        case ast.Constant(value=value):
            return Const(*at, value)
        case ast.Name(id=name):
            return Name(*at, name)
        case ast.Attribute(value=value, attr=attr):
            return Attr(*at, _expr(value), attr)
        case ast.Subscript(value=value, slice=key):
            return _slice(value, key, at) if isinstance(key, ast.Slice) else Index(*at, _expr(value), _expr(key))
        case ast.Call():
            return _call(node, at)
        case ast.JoinedStr(values=values):
            return Join(*at, [_expr(value) for value in values])
        case ast.FormattedValue(value=value, conversion=conversion, format_spec=spec):
            inner = _expr(value)
            number = isinstance(spec, ast.JoinedStr) and any(
                isinstance(v, ast.Constant) and str(v.value)[-1:] in "dfeg%x" for v in spec.values
            )
            if number:
                return Call(*at, Name(*at, "float"), [inner], {}, [])
            return Call(*at, Name(*at, "repr"), [inner], {}, []) if conversion == ord("r") else inner
        case ast.BinOp(left=left, op=op, right=right):
            return Bin(*at, _OPS.get(type(op), "?"), _expr(left), _expr(right))
        case ast.BoolOp(op=op, values=values):
            return Test(*at, "and" if isinstance(op, ast.And) else "or", [_expr(value) for value in values])
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, operand, at)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            operands = [left, *comparators]
            tests: list[Expr] = [
                Test(*at, _TESTS[type(op)], [_expr(operands[i]), _expr(operands[i + 1])]) for i, op in enumerate(ops)
            ]  # fmt: skip
            return tests[0] if len(tests) == 1 else Test(*at, "and", tests)
        case _:
            return _compound(node, at)


def _slice(value: ast.expr, key: ast.Slice, at: tuple[int, int]) -> Expr:
    bounds = [_expr(bound) if bound else Const(*at, None) for bound in (key.lower, key.upper, key.step)]
    return Call(*at, Name(*at, "$slice"), [_expr(value), *bounds], {}, [])


def _unary(op: ast.unaryop, operand: ast.expr, at: tuple[int, int]) -> Expr:
    inner = _expr(operand)
    if isinstance(op, ast.Not):
        return Not(*at, inner)
    if isinstance(op, ast.USub) and isinstance(inner, Const) and isinstance(inner.value, int | float):
        return Const(*at, -inner.value)
    return inner


def _compound(node: ast.expr, at: tuple[int, int]) -> Expr:
    match node:
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return Cond(*at, _expr(test), _expr(body), _expr(orelse))
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return Seq(*at, [_expr(item) for item in elts])
        case ast.Dict(keys=keys, values=values):
            return DictOf(
                *at, [_expr(key) if key is not None else None for key in keys], [_expr(value) for value in values]
            )
        case ast.Lambda():
            return _function(node)
        case (
            ast.ListComp(elt=elt, generators=gens)
            | ast.SetComp(elt=elt, generators=gens)
            | ast.GeneratorExp(elt=elt, generators=gens)
        ):
            return Comp(*at, _expr(elt), None, _clauses(gens))
        case ast.DictComp(key=key, value=value, generators=gens):
            return Comp(*at, _expr(value), _expr(key), _clauses(gens))
        case ast.Await(value=value) | ast.Starred(value=value) | ast.YieldFrom(value=value):
            return _expr(value)
        case ast.Yield(value=value):
            return Call(*at, Name(*at, "$yield"), [_expr(value)] if value else [], {}, [])
        case ast.NamedExpr(target=target, value=value):
            return Call(*at, Name(*at, "$walrus"), [_expr(target), _expr(value)], {}, [])
        case _:
            return Const(*at, None)


def _call(node: ast.Call, at: tuple[int, int]) -> Call:
    args = [_expr(arg) for arg in node.args if not isinstance(arg, ast.Starred)]
    spread = [_expr(arg.value) for arg in node.args if isinstance(arg, ast.Starred)]
    spread += [_expr(word.value) for word in node.keywords if word.arg is None]
    named = {word.arg: _expr(word.value) for word in node.keywords if word.arg is not None}
    return Call(*at, _expr(node.func), args, named, spread)


def _clauses(gens: list[ast.comprehension]) -> list[tuple[Expr, Expr, list[Expr]]]:
    return [(_expr(gen.target), _expr(gen.iter), [_expr(test) for test in gen.ifs]) for gen in gens]
