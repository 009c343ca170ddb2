"""Models of library calls: what comes out, what stays tainted, what is safe for which sink."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from symbi_static.flow import guards
from symbi_static.flow.environment import any_variable, env_value
from symbi_static.flow.expressions import attribute, full_ref
from symbi_static.flow.files_model import paths, sources
from symbi_static.flow.fold import DECODERS, fold_call, fold_method, join_text
from symbi_static.flow.library import (
    PROGRAMS,
    SHELL_STRINGS,
)
from symbi_static.flow.values import (
    HOLE,
    KINDS,
    UNKNOWN,
    Val,
    constant,
    element_of,
    join_safe,
    join_taint,
    merge,
    shape_of,
)
from symbi_static.ir.nodes import Attr
from symbi_static.ir.script_text import module_name

if TYPE_CHECKING:
    from symbi_static.flow.machine import Site

__all__ = ["model"]

_DROPS = frozenset({"len", "int", "float", "bool", "isinstance", "hasattr", "callable", "id", "hash", "abs", "round", "sum", "range", "uuid.UUID", "Number", "parseInt", "parseFloat", "Boolean", "isNaN", "type", "complex", "datetime.date.fromisoformat", "datetime.datetime.fromisoformat", "ipaddress.ip_address", "decimal.Decimal", "fractions.Fraction", "Number.isInteger", "enumerate.index", "datetime.datetime.strptime", "math.floor", "Math.floor", "uuid.uuid4", "random.randint"})  # fmt: skip  # noqa: E501  # one list, one place
_SAFE_FOR: dict[str, frozenset[str]] = {
    "shlex.quote": frozenset({"shell"}),
    "pipes.quote": frozenset({"shell"}),
    "html.escape": frozenset({"html"}),
    "markupsafe.escape": frozenset({"html"}),
    "bleach.clean": frozenset({"html"}),
    "cgi.escape": frozenset({"html"}),
    "nh3.clean": frozenset({"html"}),
    "xml.sax.saxutils.escape": frozenset({"html"}),
    "escapeHtml": frozenset({"html"}),
    "escape_html": frozenset({"html"}),
    "DOMPurify.sanitize": frozenset({"html"}),
    "he.encode": frozenset({"html"}),
    "he.escape": frozenset({"html"}),
    "urllib.parse.quote": frozenset({"url", "html", "shell"}),
    "urllib.parse.quote_plus": frozenset({"url", "path", "html", "shell", "sql"}),
    "urllib.parse.urlencode": frozenset({"url", "path", "html"}),
    "encodeURIComponent": frozenset({"url", "path", "html"}),
    "os.path.basename": frozenset({"path"}),
    "path.basename": frozenset({"path"}),
    "ntpath.basename": frozenset({"path"}),
    "werkzeug.utils.secure_filename": frozenset({"path", "shell", "html"}),
    "secure_filename": frozenset({"path", "shell", "html"}),
    "sanitize-filename": frozenset({"path"}),
    "re.escape": frozenset({"template"}),
    "slugify": KINDS,
    "slugify.slugify": KINDS,
    "json.dumps": frozenset(),
    "psycopg.sql.Identifier": frozenset({"sql"}),
    "psycopg2.sql.Identifier": frozenset({"sql"}),
    "psycopg2.sql.Literal": frozenset({"sql"}),
    "sqlstring.escape": frozenset({"sql"}),
    "mysql.escape": frozenset({"sql"}),
    "mysql.escapeId": frozenset({"sql"}),
    "str.isidentifier": KINDS,
}
_URL_PARSERS = frozenset(
    {"urllib.parse.urlparse", "urllib.parse.urlsplit", "URL", "url.URL", "url.parse", "httpx.URL", "yarl.URL"}
)


def model(site: Site) -> Val:
    """What a call into a library gives."""
    for chosen in (_constants, _modules, _environment, sources, paths, _cleaners, _text):
        result = chosen(site)
        if result is not None:
            return result
    return _unknown(site)


def _unknown(site: Site) -> Val:
    values = [
        *([site.base] if site.base is not None else []),
        *site.args,
        *(value for name, value in site.named.items() if name != "env"),
    ]
    if PROGRAMS.match(site.ref) or SHELL_STRINGS.match(site.ref):
        values = [value for value in values if not (value.fields and "env" in value.fields)]
    parts = [value for value in values if value is not site.base or value.ref not in ("os.environ", "process.env")]
    taint = join_taint(parts)
    about = frozenset().union(*(value.about for value in parts)) if parts else frozenset()
    tags = frozenset().union(*(value.tags for value in parts)) - {"pattern", "resolved"} if parts else frozenset()
    return Val(
        taint=taint, shape=HOLE if taint else None, ref=f"{site.ref}()", safe=join_safe(parts), about=about, tags=tags
    )


def _constants(site: Site) -> Val | None:
    consts = [value.const for value in site.args]
    if site.ref == "map" and len(site.args) == 2 and isinstance(consts[1], tuple | str):
        mapped = tuple(fold_call(site.args[0].ref, [each]) for each in consts[1][:4096])
        if mapped and UNKNOWN not in mapped:
            return replace(constant(mapped), tags=frozenset({"chars"}))
    folded = fold_call(site.ref, consts) if site.args else UNKNOWN
    if (site.ref in DECODERS and site.ref != "Buffer.from") or (site.ref == "Buffer.from" and len(consts) > 1):
        base = constant(folded) if folded is not UNKNOWN else replace(_unknown(site), ref=f"{site.ref}()")
        return replace(base, tags=base.tags | {"decoded"})
    if folded is UNKNOWN and site.base is not None and isinstance(site.call.fn, Attr):
        folded = fold_method(site.base.const, site.call.fn.name, consts)
        if folded is UNKNOWN and site.call.fn.name == "join" and isinstance(site.base.const, str) and site.args:
            return _joined(site.base, site.args[0])
    if folded is UNKNOWN and site.ref in ("chr", "String.fromCharCode"):
        return replace(_unknown(site), tags=frozenset({"chars"}))
    if folded is UNKNOWN:
        return None
    tags = frozenset().union(*(value.tags for value in [*site.args, *([site.base] if site.base else [])]))
    if site.ref in ("chr", "String.fromCharCode"):
        tags |= {"chars"}
    return replace(constant(folded), tags=tags)


def _joined(glue: Val, parts: Val) -> Val:
    items = list(parts.items or ())
    if not items:
        return replace(element_of(parts), const=UNKNOWN, items=None) if parts.taint else Val()
    mixed: list[Val] = []
    for position, item in enumerate(items):
        mixed.extend([glue, item] if position else [item])
    return join_text(mixed)


def _modules(site: Site) -> Val | None:
    first = site.args[0] if site.args else None
    name = first.text() if first is not None else None
    if (
        site.ref
        in (
            "__import__",
            "importlib.import_module",
            "require",
            "import",
            "module.require",
            "process.mainModule.require",
        )
        and name
    ):
        literal = bool(site.call.args) and type(site.call.args[0]).__name__ == "Const"
        return Val(
            ref=full_ref(module_name(name)),
            tags=frozenset() if literal and site.ref in ("require", "import") else frozenset({"built"}),
        )
    if site.ref in ("getattr", "operator.attrgetter", "Reflect.get") and len(site.args) >= 2:
        wanted = site.args[1].text()
        if wanted is not None:
            literal = type(site.call.args[1]).__name__ == "Const" if len(site.call.args) > 1 else False
            value = attribute(site.machine, site.args[0], wanted, site.call.line)
            return (
                value if literal and site.args[0].tags == frozenset() else replace(value, tags=value.tags | {"built"})
            )
        holder = site.args[0]
        foreign = (
            bool(holder.ref)
            and not holder.ref.startswith(("local.", "this", "?"))
            and not holder.taint
            and not holder.ref.endswith("()")
        )
        chosen = foreign and site.args[1].unsafe("code", "input", "net") and shape_of(site.args[1]).startswith(HOLE)
        return replace(
            _unknown(site), ref="getattr()" if chosen else "?", tags=frozenset({"chosen"}) if chosen else frozenset()
        )
    return _functions(site)


def _functions(site: Site) -> Val | None:
    if site.ref in ("functools.partial", "partial") and site.args:
        from symbi_static.flow.calls import Partial

        return Val(objs=(Partial(site.args[0], site.args[1:], site.named),), ref="partial")
    if site.ref in ("globals", "locals", "vars"):
        return Val(ref=f"{site.ref}()")
    if site.ref == "super":
        return Val(objs=(site.scope.owner,) if site.scope.owner is not None else ())
    if site.ref in ("util.promisify", "promisify") and site.args:
        return site.args[0]
    if site.ref in ("re.compile", "RegExp") and site.args:
        return Val(ref="re.compile()", shape=site.args[0].text(), tags=frozenset({"pattern"}), taint=site.args[0].taint)
    if (
        site.ref
        in (
            "asyncio.run",
            "asyncio.gather",
            "asyncio.wait_for",
            "anyio.run",
            "Promise.resolve",
            "Promise.all",
            "asyncio.shield",
            "Object.assign",
        )
        and site.args
    ):
        return merge(site.args)
    return None


def _environment(site: Site) -> Val | None:
    if site.ref in (
        "os.getenv",
        "os.environ.get",
        "os.environ.pop",
        "os.getenvb",
        "process.env.get",
        "Deno.env.get",
        "os.environ.setdefault",
    ):
        name = site.args[0].text() if site.args else None
        if name is None:
            return any_variable(site.args[0] if site.args else Val(), site.call.line)
        value = env_value(name, site.call.line)
        return replace(value, const=UNKNOWN) if value.taint or value.const is UNKNOWN else value
    if site.ref in ("os.homedir", "pathlib.Path.home", "Path.home"):
        return replace(constant("~"), ref="pathlib.Path()", tags=frozenset({"home"}))
    if site.ref in ("os.path.expanduser", "os.path.expandvars") and site.args:
        text = site.args[0].text()
        return (
            replace(constant(text.replace("$HOME", "~").replace("${HOME}", "~")), tags=frozenset({"home"}))
            if text
            else site.args[0]
        )
    if site.ref in ("os.environ.copy", "os.environ.items", "os.environ.values", "os.environ.toObject") or (
        site.ref in ("dict", "Object.entries", "Object.assign", "list", "Object.values")
        and any(v.ref in ("os.environ", "process.env") for v in site.args)
    ):
        return Val(taint={"environ": ((site.call.line, "the whole environment"),)}, ref="env-copy")
    if site.ref in ("os.environ.keys", "Object.keys"):
        return Val(taint=site.args[0].taint if site.args and site.args[0].ref != "process.env" else {})
    return None


def _cleaners(site: Site) -> Val | None:
    if site.ref in _DROPS and not any(value.has("secret", "environ") for value in site.args):
        return Val(ref=f"{site.ref}()")
    if site.ref in _SAFE_FOR and site.args:
        value = site.args[0]
        kinds = _SAFE_FOR[site.ref]
        if site.ref == "urllib.parse.quote" and (site.arg(1, "safe") or Val()).const == "":
            kinds = kinds | {"path"}
        return Val(
            taint=value.taint,
            shape=HOLE if value.taint else value.shape,
            safe=value.safe | kinds,
            about=value.about,
            tags=value.tags,
        )
    if site.name in ("hexdigest", "digest") or site.ref.startswith(("hashlib.", "crypto.createHash")):
        base = _unknown(site)
        return replace(base, safe=KINDS, taint={k: v for k, v in base.taint.items() if k not in ("file",)})
    if site.ref == "re.sub" and len(site.args) >= 3:
        kinds = guards.removal_proves(site.args[0].text() or "", site.args[1].text() or "")
        return Val(
            taint=join_taint(site.args[1:]), shape=HOLE if site.args[2].taint else None, safe=site.args[2].safe | kinds
        )
    if site.ref in _URL_PARSERS and site.args:
        keys = {key for node in site.call.args[:1] if (key := guards.key_of(node))}
        value = site.args[0]
        return Val(
            taint=value.taint,
            ref=f"{site.ref}()",
            shape=value.shape,
            safe=value.safe,
            about=value.about | keys,
            tags=value.tags,
        )
    return None


def _text(site: Site) -> Val | None:
    base = site.base
    if site.name == "format" and base is not None and base.shape is not None:
        return _formatted(site, base)
    if site.name == "get" and base is not None and base.fields is not None and site.args:
        name = site.args[0].text()
        if name is not None and name in base.fields:
            return base.fields[name]
        rest = element_of(base)
        return merge([rest, site.args[1]]) if len(site.args) > 1 and site.args[1].const is not None else rest
    if (
        site.name in ("get", "pop", "at")
        and base is not None
        and not base.taint
        and base.ref == ""
        and (base.items is not None or base.fields is not None)
    ):
        return element_of(base)
    if site.name in ("values", "items", "entries") and base is not None and base.fields is not None and not site.args:
        return replace(element_of(base), items=None)
    if (
        site.name
        in (
            "strip",
            "lstrip",
            "rstrip",
            "lower",
            "upper",
            "trim",
            "toLowerCase",
            "decode",
            "encode",
            "toString",
            "casefold",
            "title",
        )
        and base is not None
    ):
        return replace(base, const=UNKNOWN, ref="", facts=frozenset(), neg=frozenset(), items=None)
    if site.name in ("replace", "replaceAll") and base is not None and base.taint and len(site.args) >= 2:
        return replace(base, const=UNKNOWN, shape=HOLE, ref="", safe=base.safe | _replaced(site))
    if site.name == "concat" and base is not None and base.shape is not None:
        return join_text([base, *site.args])
    if site.name == "join" and base is not None and base.items is not None and not site.machine.python:
        return _joined(site.args[0] if site.args else constant(","), base)
    if site.ref in ("str", "String", "repr", "bytes", "bytearray") and site.args:
        inner = frozenset().union(*(part.tags & {"decoded", "chars"} for part in site.args[0].items or ()))
        return replace(
            site.args[0], facts=frozenset(), neg=frozenset(), items=None, fields=None, tags=site.args[0].tags | inner
        )
    return None


def _replaced(site: Site) -> frozenset[str]:
    """What a replacement makes safe: escaping `<`, or removing every dangerous character by a pattern."""
    pattern, instead = site.args[0], site.args[1]
    text = pattern.shape if "pattern" in pattern.tags else pattern.text()
    if text is None:
        return frozenset()
    plain = instead.text()
    if "<" in text and (plain in ("&lt;", "&#60;", "&#x3c;") or (plain is None and bool(instead.objs or instead.ref))):
        return frozenset({"html"})
    if "pattern" in pattern.tags and plain is not None:
        return guards.removal_proves(text, plain)
    return frozenset()


def _formatted(site: Site, base: Val) -> Val:
    pieces = re.split(r"(\{[^{}]*\})", base.shape or "")
    holes = list(site.args)
    parts: list[Val] = []
    for piece in pieces:
        if not (piece.startswith("{") and piece.endswith("}")):
            parts.append(constant(piece))
            continue
        name = re.split(r"[.:!\[]", piece[1:-1])[0]
        if name.isdigit():
            value = site.args[int(name)] if int(name) < len(site.args) else Val()
        elif name:
            value = site.named.get(name) or merge(list(site.named.values()) or [Val()])
        else:
            value = holes.pop(0) if holes else Val()
        parts.append(value)
    rest = Val(taint=base.taint, shape="", safe=base.safe)
    return join_text([*parts, rest])
