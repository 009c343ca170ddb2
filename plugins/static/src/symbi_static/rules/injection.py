"""Input where commands, code, SQL, templates or objects are made of it."""

# ruff: noqa: E501  # tables of words and patterns read best one entry a line
from __future__ import annotations

import re

from symbi_static.flow.library import DB_RUN, PROGRAMS, SHELL_STRINGS
from symbi_static.flow.machine import Site
from symbi_static.flow.values import Val, element_of, shape_of
from symbi_static.rules.collector import Collector

__all__ = [
    "EVALUATORS",
    "check_code",
    "check_commands",
    "check_deserialization",
    "check_sql",
    "check_templates",
    "command_value",
]

INPUT = ("input", "argv")
EVALUATORS = re.compile(
    r"^(?:eval|exec|compile|execfile|Function|code\.interact|code\.InteractiveInterpreter\(\)\.\w+|code\.InteractiveConsole\(\)\.\w+|vm\.(?:runInNewContext|runInThisContext|runInContext|Script|compileFunction)"
    r"|vm2\.VM\(\)\.run|VM\(\)\.run|timeit\.(?:timeit|repeat)|types\.FunctionType|types\.CodeType|runpy\.run_(?:path|module)|pandas\.eval|numexpr\.evaluate|sympy\.sympify|sympy\.parse_expr|setTimeout|setInterval|cProfile\.run|importlib\.util\.module_from_spec\(\)\.exec_module|asteval\.Interpreter\(\)|new Function|eval\.call|module\._compile|Module\(\)\._compile)$"
)
_SHELLS = re.compile(r"^(?:/(?:usr/)?bin/)?(?:ba|z|da|k|a|c|fi)?sh$|^(?:cmd(?:\.exe)?|powershell(?:\.exe)?|pwsh)$")
_SQL_WORDS = re.compile(
    r"\b(?:SELECT\b.{0,200}?\bFROM|INSERT\s+INTO|UPDATE\b.{0,100}?\bSET|DELETE\s+FROM|CREATE\s+(?:TABLE|INDEX|VIEW)|DROP\s+\w+|ALTER\s+TABLE|REPLACE\s+INTO|WHERE\b|ORDER\s+BY|PRAGMA\b|TRUNCATE\b|GRANT\b|ATTACH\b|WITH\b.{0,100}?\bAS|EXPLAIN\b|VALUES\s*\(|LIMIT\b)",
    re.IGNORECASE | re.DOTALL,
)
_DB_BASE = re.compile(
    r"connect\(\)|cursor\(\)|create_engine\(\)|Session\(\)|createConnection|createPool|Client\(\)|Pool\(\)|Database\(\)|better-sqlite3|create_pool|begin\(\)|acquire\(\)",
    re.IGNORECASE,
)
_DB_NAMES = re.compile(
    r"(?:^|\.)(?:db|conn|connection|cur|cursor|database|pool|sqlite|session|engine|tx|trx|knex|sequelize|prisma|pg|client)$",
    re.IGNORECASE,
)
_LOADERS = re.compile(
    r"^(?:c?[pP]ickle\.(?:loads?|Unpickler)|pickle\.Unpickler\(\)\.load|_pickle\.loads?|marshal\.loads?|shelve\.open|dill\.loads?|cloudpickle\.loads?|jsonpickle\.(?:decode|unpickler\.decode)|joblib\.load"
    r"|pandas\.read_pickle|torch\.load|yaml\.(?:load|load_all|unsafe_load|unsafe_load_all|full_load)|ruamel\.yaml\.YAML\(\)\.load|numpy\.load|np\.load|node-serialize\.unserialize|serialize\.unserialize|jsyaml\.load|js-yaml\.(?:load|unsafeLoad)|funcster\.deepDeserialize|cryo\.parse|plistlib\.loads|xmlrpc\.client\.loads|v8\.deserialize|Unpickler\(\)\.load)$"
)
_TEMPLATES = re.compile(r"^(?:jinja2\.(?:Template|Environment\(\)\.from_string)|jinja2\.sandbox\.SandboxedEnvironment\(\)\.from_string|\?\.from_string|flask\.render_template_string|render_template_string|mako\.template\.Template|Template|django\.template\.Template|tornado\.template\.Template|chevron\.render|pystache\.render|ejs\.render|ejs\.compile|handlebars\.compile|Handlebars\.compile|pug\.(?:render|compile)|nunjucks\.renderString|lodash\.template|_\.template|mustache\.render|Mustache\.render|doT\.template|eta\.renderString|squirrelly\.render|string\.Template)$")  # fmt: skip


def command_value(site: Site) -> tuple[Val | None, bool]:
    """The command of a call that starts a program, and whether a shell reads it."""
    first = site.arg(0, "args", "cmd", "command")
    if SHELL_STRINGS.match(site.ref):
        return first, True
    if not PROGRAMS.match(site.ref):
        return None, False
    shell = site.named.get("shell")
    options = next((value.fields for value in site.args if value.fields and "shell" in value.fields), None)
    flag = shell if shell is not None else options.get("shell") if options else None
    through_shell = flag is not None and flag.const not in (False, None, 0)
    words = _words(site, first)
    if (
        words
        and _SHELLS.match(words[0].text() or "")
        and len(words) > 2
        and (words[1].text() or "").lower() in ("-c", "/c", "-command", "-ec", "-lc", "-ic")
    ):
        return words[2], True
    return first, through_shell


def _words(site: Site, first: Val | None) -> list[Val]:
    if first is None:
        return []
    if first.items is not None:
        return list(first.items)
    rest = [item for value in site.args[1:2] for item in (value.items or ())] or (
        [v for v in site.args[1:] if not v.fields] if site.ref.startswith(("asyncio.", "os.")) else []
    )
    return [first, *rest]


def check_commands(site: Site, out: Collector) -> None:
    """Commands: input read by a shell, or input as the program itself."""
    command, shell = command_value(site)
    if command is None:
        return
    whole = (
        command
        if command.items is None
        else element_of(command)
        if shell
        else command.items[0]
        if command.items
        else command
    )
    if shell and whole.unsafe("shell", *INPUT):
        out.add(
            "shell-command-from-input",
            f"`{site.ref}` gives a shell a text that holds input.",
            node=site.call,
            trace=whole.trace(*INPUT),
        )
        return
    if shell:
        return
    program = command.items[0] if command.items else command
    text = shape_of(program)
    if program.unsafe("shell", *INPUT) and text[:1] in ("\x00", "") and "own-argv0" not in program.tags:
        out.add(
            "program-from-input",
            f"`{site.ref}` runs a program that input names.",
            node=site.call,
            trace=program.trace(*INPUT),
        )
    elif command.items is None and command.unsafe("shell", "input") and site.ref.startswith(("subprocess.", "os.")):
        out.add(
            "program-from-input",
            f"`{site.ref}` runs words that input gives.",
            node=site.call,
            trace=command.trace(*INPUT),
        )


def check_code(site: Site, out: Collector) -> None:
    """Code: input in eval and its relatives, modules and attributes that input names."""
    if EVALUATORS.match(site.ref):
        values = [value for value in site.args if not value.objs]
        if site.ref in ("setTimeout", "setInterval"):
            values = [value for value in site.args[:1] if not value.objs and value.shape is not None]
        for value in values:
            for label in ("input", "argv"):
                if value.unsafe("code", label):
                    out.add(
                        "code-from-input", f"`{site.ref}` evaluates input.", node=site.call, trace=value.trace(label)
                    )
                    return
    first = site.arg(0, "name") or Val()
    if site.ref in ("__import__", "importlib.import_module", "require", "import") and first.unsafe("code", "input"):
        out.add(
            "module-from-input",
            f"`{site.ref}` loads a module that input names.",
            node=site.call,
            trace=first.trace("input"),
        )
    if site.ref == "getattr()" or "chosen" in (
        site.machine.value(site.call.fn, site.scope).tags if _dynamic(site) else ()
    ):
        about = site.machine.value(site.call.fn, site.scope)
        out.add(
            "module-from-input",
            "Input chooses the function that is called.",
            node=site.call,
            trace=about.trace("input"),
            confidence=0.8,
        )
    if (
        site.name in ("query", "eval")
        and site.base is not None
        and re.search(r"pandas|DataFrame|read_csv", site.base.ref)
        and first.unsafe("code", "input")
    ):
        out.add(
            "code-from-input",
            "A data frame evaluates input.",
            node=site.call,
            trace=first.trace("input"),
            severity="high",
        )


def _dynamic(site: Site) -> bool:
    from symbi_static.ir.nodes import Call, Index

    return isinstance(site.call.fn, Index) or (isinstance(site.call.fn, Call) and site.ref.startswith("getattr"))


def _is_database(site: Site) -> bool:
    from symbi_static.flow.guards import key_of
    from symbi_static.ir.nodes import Attr

    if site.base is not None and _DB_BASE.search(site.base.ref):
        return True
    holder = key_of(site.call.fn.obj) if isinstance(site.call.fn, Attr) else None
    return bool(holder and _DB_NAMES.search(holder))


def check_sql(site: Site, out: Collector) -> None:
    """SQL texts that hold input."""
    if not (
        DB_RUN.search(f".{site.name}") or site.name in ("text", "read_sql", "read_sql_query", "RawSQL", "extra")
    ) or (site.base is None and site.name not in ("text", "read_sql_query", "read_sql")):
        return
    if site.ref.startswith("local."):
        return
    sql = site.arg(0, "sql", "query", "statement") or Val()
    if sql.fields and "text" in sql.fields:
        sql = sql.fields["text"]
    if not sql.unsafe("sql", "input", "argv", "net", "sock"):
        return
    outline = shape_of(sql)
    if _SQL_WORDS.search(outline) or (
        _is_database(site)
        and site.name.startswith(("exec", "query", "raw", "fetch", "$query", "all", "run", "prepare", "read_sql"))
    ):
        out.add(
            "sql-from-input",
            f"`{site.name}` gets an SQL text that holds input.",
            node=site.call,
            trace=sql.trace("input", "argv", "net", "sock"),
        )


def check_templates(site: Site, out: Collector) -> None:
    """Templates made of input."""
    source = site.arg(0, "source", "template", "text") or Val()
    if _TEMPLATES.match(site.ref) or (
        site.name in ("from_string", "render_template_string", "renderString") and site.args
    ):
        if source.unsafe("template", "input", "net"):
            plain = site.ref == "string.Template"
            out.add(
                "format-from-input" if plain else "template-from-input",
                f"`{site.ref}` compiles a template that input gives.",
                node=site.call,
                trace=source.trace("input", "net"),
            )
    elif (
        site.name in ("format", "format_map")
        and site.base is not None
        and site.base.unsafe("template", "input")
        and shape_of(site.base).startswith("\x00")
    ):
        out.add(
            "format-from-input",
            "Input is used as a format string, which can read attributes.",
            node=site.call,
            trace=site.base.trace("input"),
        )


def check_deserialization(site: Site, out: Collector) -> None:
    """Loaders that make objects of data from outside."""
    if not _LOADERS.match(site.ref):
        return
    if site.ref.startswith(("yaml.load", "js-yaml.load", "jsyaml.load", "yaml.full_load")):
        loader = site.arg(1, "Loader")
        if (
            site.ref.endswith("full_load")
            or site.ref.startswith("js")
            or (loader is not None and "Safe" in loader.ref)
            or (loader is not None and loader.ref.endswith("BaseLoader"))
        ):
            return
    if site.ref in ("torch.load",) and (site.named.get("weights_only") or Val()).const is True:
        return
    if site.ref in ("numpy.load", "np.load") and (site.named.get("allow_pickle") or Val()).const is not True:
        return
    if site.ref in ("plistlib.loads", "v8.deserialize", "xmlrpc.client.loads", "ruamel.yaml.YAML().load"):
        return
    data = site.args[0] if site.args else Val()
    if data.const is None and not data.taint and site.base is not None:
        data = site.base
    if "decoded" in data.tags and not data.has("input", "net", "sock"):
        return
    outside = ("input", "net", "sock", "argv", "archive")
    if (
        data.has(*outside)
        or (data.fields and any(part.has("input") for part in data.fields.values()))
        or _opened_by_input(site)
    ):
        out.add(
            "unsafe-deserialization",
            f"`{site.ref}` builds objects from data that comes from outside.",
            node=site.call,
            trace=data.trace(*outside),
        )
    else:
        rule = "unsafe-deserialization" if "chosen-file" in data.tags else "unsafe-loader"
        out.add(
            rule,
            f"`{site.ref}` can run code while it loads.",
            node=site.call,
            trace=data.trace("file"),
            confidence=0.75,
        )


def _opened_by_input(site: Site) -> bool:
    return any(value.has("input") for value in site.everything())
