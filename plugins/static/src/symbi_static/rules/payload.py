"""Hidden and foreign code: decoded and run, fetched and run, shells on sockets, built names, logic bombs."""

from __future__ import annotations

import re

from symbi_static.flow.library import PROGRAMS, SHELL_STRINGS
from symbi_static.flow.machine import Machine, Site
from symbi_static.flow.values import Closure, Val, shape_of
from symbi_static.ir.nodes import Call, If, Name, dump
from symbi_static.rules.collector import Collector
from symbi_static.rules.injection import EVALUATORS, command_value

__all__ = ["BackdoorWatch", "check_branch", "check_built_names", "check_payload", "check_supply"]

_DANGEROUS = re.compile(
    r"^(?:eval|exec|compile|__import__|os\.(?:system|popen|exec\w+|spawn\w+)|subprocess\.\w+|child_process\.\w+|Function|pickle\.loads?|marshal\.loads?|socket\.\w+|ctypes\.\w+)$"
)
_INSTALLS = re.compile(
    r"\b(?:pip3?|pipx|uv|poetry)\b.{0,30}\binstall\b|\buv\s+(?:pip\s+)?add\b|\b(?:npm|pnpm|yarn|bun)\b\s+(?:i|install|add)\b|\bnpx\s+-y\b|\bapt(?:-get)?\s+(?:-y\s+)?install\b|\bgem\s+install\b|\bgo\s+install\b|\bcargo\s+install\b|\bbrew\s+install\b|\bgit\s+clone\b|\buvx\s",
    re.IGNORECASE,
)
_FETCH_RUN = re.compile(
    r"\b(?:curl|wget|iwr|Invoke-WebRequest|fetch)\b[^|;&]*(?:\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\|\s*(?:python3?|node|perl|ruby|iex)\b|&&\s*(?:ba)?sh\b|;\s*(?:ba)?sh\b)|(?:ba|z)?sh\s+(?:-c\s+)?[\"']?(?:<\(|\$\()\s*(?:curl|wget)|\b(?:curl|wget)\b.*(?:&&|;)\s*(?:chmod\s+\+x|\./|python|bash|sh)",
    re.IGNORECASE | re.DOTALL,
)
_REVERSE = re.compile(
    r"/dev/(?:tcp|udp)/|\bnc(?:at)?\b.*\s-[a-z]*e|\bmkfifo\b.*\bnc\b|bash\s+-i\b|socat\b.*exec:|powershell.*TCPClient|pty\.spawn",
    re.IGNORECASE | re.DOTALL,
)
_MINERS = re.compile(
    r"stratum\+tcp|xmrig|minerd|cpuminer|nicehash|coinhive|cryptonight|ethminer|monero.*pool|pool\.(?:minexmr|supportxmr)",
    re.IGNORECASE,
)
_GATES = re.compile(
    r"datetime\.(?:datetime|date)\.(?:now|today|utcnow)|date\.today|time\.time|Date\.now|new Date|Date\(\)|socket\.gethostname|platform\.node|os\.hostname|getpass\.getuser|os\.getlogin|os\.userInfo|uuid\.getnode"  # noqa: E501  # one list, one place
)

_FIXED = re.compile(
    r"kint:(?:20[2-9]\d|1[5-9]\d{8,11}|2\d{9,12})\b|kstr:20[2-9]\d-|hostname|\.node\(|getuser|getlogin|userInfo|getnode|\.(?:month|day|weekday|getMonth|getDate|getFullYear|year)\b"
)


def check_payload(site: Site, out: Collector) -> None:
    """What is run although it was decoded, fetched or received."""
    runs = EVALUATORS.match(site.ref) or site.ref in ("marshal.loads", "types.CodeType")
    command, _shell = command_value(site)
    values = (
        list(site.args)
        if runs
        else [part for value in [command] if value is not None for part in (value.all_parts() or [value])]
    )
    if not values or (
        site.ref in ("setTimeout", "setInterval", "marshal.loads", "compile")
        and not any("decoded" in v.tags or "chars" in v.tags for v in values)
    ):
        values = [] if site.ref in ("setTimeout", "setInterval") else values
    for value in values:
        if value.objs:
            continue
        if ("decoded" in value.tags or "chars" in value.tags) and not value.has("input", "argv"):
            out.add(
                "decoded-then-run",
                f"`{site.ref}` runs what was decoded.",
                node=site.call,
                tags=("chain:decode-execute",),
            )
        if value.has("sock"):
            out.add(
                "remote-commands",
                f"`{site.ref}` runs what a socket received.",
                node=site.call,
                trace=value.trace("sock"),
            )
        if value.has("net"):
            out.add(
                "download-and-run",
                f"`{site.ref}` runs what the network answered.",
                node=site.call,
                trace=value.trace("net"),
                tags=("chain:download-execute",),
            )
    text = _text(site) if command is not None else ""
    if text:
        _check_text(site, text, out)
    if any(_MINERS.search(shape_of(value)) for value in site.everything()):
        out.add("miner", "Mining software or a mining pool is used.", node=site.call)


def _text(site: Site) -> str:
    first = site.arg(0, "args", "cmd", "command") or Val()
    parts = (
        list(first.items)
        if first.items is not None
        else [first, *[item for value in site.args[1:2] for item in (value.items or ())]]
    )
    words = [shape_of(part) for part in parts]
    return " ".join(
        "python" if word in ("\x01", "sys.executable") and "executable" in repr(parts) else word for word in words
    )


def _check_text(site: Site, text: str, out: Collector) -> None:
    if _FETCH_RUN.search(text):
        out.add(
            "download-and-run", "A command fetches code and runs it.", node=site.call, tags=("chain:download-execute",)
        )
    elif _INSTALLS.search(text):
        out.add("installs-packages", "A command installs packages or fetches a repository.", node=site.call)
    if _REVERSE.search(text):
        out.add("remote-shell", "A command ties a shell to the network.", node=site.call)
    if re.search(r":\(\)\s*\{", text):
        out.add("fork-bomb", "A fork bomb.", node=site.call)


def check_supply(site: Site, out: Collector) -> None:
    """Fetched files that are run or imported; descriptions from the network."""
    if site.ref in ("pip.main", "pip._internal.main", "pip._internal.cli.main.main", "ensurepip.bootstrap"):
        out.add("installs-packages", "Packages are installed at run time.", node=site.call)
    if site.name in ("tool", "Tool", "add_tool", "registerTool", "register_tool"):
        for name in ("description", "inputSchema", "input_schema", "schema"):
            value = site.named.get(name) or next(
                (v.fields[name] for v in site.args if v.fields and name in v.fields), None
            )
            if value is not None and value.has("net"):
                out.add(
                    "remote-description",
                    f"`{name}` of a tool comes from the network.",
                    node=site.call,
                    trace=value.trace("net"),
                )
    writes_file = site.name in ("write", "write_text", "write_bytes", "writeFileSync", "writeFile", "writelines")
    if writes_file and any(value.has("net", "sock") for value in site.args):
        where = (
            site.base.fields.get("$path")
            if site.base is not None and site.base.fields
            else site.base
            if site.base is not None and site.base.ref.endswith("Path()")
            else site.args[0]
            if site.args
            else None
        )
        if where is not None:
            if "own-source" in where.tags or where.ref in ("__file__", "__filename"):
                out.add(
                    "rewrites-itself",
                    "The tool replaces its source with what the network answered.",
                    node=site.call,
                    tags=("chain:download-execute",),
                )
            site.machine.fetched[shape_of(where)] = site.call.line
    if site.ref == "urllib.request.urlretrieve" and len(site.args) > 1:
        site.machine.fetched[shape_of(site.args[1])] = site.call.line
    _check_fetched(site, out)


def _check_fetched(site: Site, out: Collector) -> None:
    fetched = site.machine.fetched
    if not fetched or not (
        PROGRAMS.match(site.ref)
        or SHELL_STRINGS.match(site.ref)
        or EVALUATORS.match(site.ref)
        or site.ref
        in (
            "os.chmod",
            "importlib.util.spec_from_file_location",
            "runpy.run_path",
            "ctypes.CDLL",
            "fs.chmodSync",
            "require",
        )
    ):
        return
    for value in site.everything():
        line = fetched.get(shape_of(value)) if shape_of(value) not in ("", "\x00", "\x01") or value.shape else None
        if line is not None and not (site.ref.endswith("chmod") and (site.args[-1].const if site.args else 0) == 0o644):
            out.add(
                "download-and-run",
                "A file that was fetched is run.",
                node=site.call,
                trace=((line, "fetched here"),),
                tags=("chain:download-execute",),
            )
            return


def check_built_names(site: Site, out: Collector) -> None:
    """Dangerous functions that are reached by names built at run time."""
    from symbi_static.ir.nodes import Attr

    direct = site.machine.value(site.call.fn.obj, site.scope).tags if isinstance(site.call.fn, Attr) else frozenset()
    own = site.scope.find(getattr(site.call.fn, "id", "")) if hasattr(site.call.fn, "id") else None
    tags = (own.tags if own is not None else site.machine.value(site.call.fn, site.scope).tags) | direct
    if "built" in tags and _DANGEROUS.match(site.ref):
        out.add("hidden-name", f"`{site.ref}` is reached by a name that is built or hidden.", node=site.call)
        given = next((value for value in site.args if value.has("input")), None)
        if given is not None:
            out.add(
                "built-call-of-input",
                f"`{site.ref}` is reached by a built name and gets input.",
                node=site.call,
                trace=given.trace("input"),
            )


class BackdoorWatch:
    """Sees a socket, file descriptors and a shell together."""

    def __init__(self, out: Collector) -> None:
        self._out = out
        self._dup = False
        self._socket = False
        self._piped: set[str] = set()

    def on_call(self, site: Site) -> None:
        if re.search(
            r"socket\.socket$|socket\.create_connection$|net\.(?:connect|createConnection|Socket|createServer)$|tls\.connect$",
            site.ref,
        ):
            self._socket = True
        if site.ref == "os.dup2" or (
            site.name == "pipe"
            and site.base is not None
            and re.search(r"std(?:out|err)|net\.|Socket|spawn", site.base.ref)
        ):
            self._dup = True
        command, _shell = command_value(site)
        if command is None:
            return
        text = _text(site)
        is_shell = (
            bool(re.match(r"(?:/(?:usr/)?bin/)?(?:ba|z|da|k)?sh\b|cmd(?:\.exe)?\b|powershell", text))
            and "-c" not in text
        )
        stream = any(
            "socket" in value.ref or "fileno" in value.ref
            for name, value in site.named.items()
            if name in ("stdin", "stdout", "stderr")
        )
        fields = next((value.fields for value in site.args if value.fields and "stdio" in value.fields), None)
        if is_shell and (
            stream
            or (self._socket and (self._dup or fields is not None))
            or (self._socket and site.ref == "pty.spawn")
            or (self._socket and site.ref.startswith("child_process."))
        ):
            self._out.add("remote-shell", "A shell is started on a network connection.", node=site.call)


_EFFECTS = re.compile(
    r"\.(?:rmtree|remove|unlink|rmdir|system|popen|Popen|rmSync|unlinkSync|rm|execSync|exec|check_call|truncate)$"
)
_WORDS = re.compile(
    r"^(?:eval|exec|rmtree|unlink|system|execSync|detonate)$|wipe|destroy|payload|encrypt", re.IGNORECASE
)


def check_branch(machine: Machine, node: If, test: Val, out: Collector) -> None:
    """Effects behind a date or a machine's name."""
    seen = dump(node.test, 8) + test.ref
    if not (_GATES.search(seen) or _GATES.search(_refs(machine, node))) or not _FIXED.search(seen):
        return
    risky = next((part for part in _calls_in([*node.yes, *node.no]) if _risky(machine, part)), None)
    if risky is not None:
        text = "A deletion or command waits for a date or a certain machine."
        out.add("gated-effect", text, node=risky, confidence=0.8)


def _calls_in(nodes: object) -> list[Call]:
    """Every call below some nodes, in no order that matters."""
    found: list[Call] = []
    stack: list[object] = [nodes]
    while stack:
        part = stack.pop()
        if isinstance(part, Call):
            found.append(part)
        if isinstance(part, list | tuple):
            stack.extend(part)
        elif isinstance(part, dict):
            stack.extend(part.values())
        elif hasattr(part, "__slots__"):
            for cls in type(part).__mro__:
                stack.extend(
                    getattr(part, slot) for slot in getattr(cls, "__slots__", ()) if slot not in ("line", "end")
                )
    return sorted(found, key=lambda call: (call.line, call.end))


def _risky(machine: Machine, part: Call, depth: int = 2) -> bool:
    """Whether a call destroys or runs something, itself or in the function of the file that it calls."""
    if not isinstance(part.fn, Name):
        return bool(_EFFECTS.search(dump(part.fn, 5)))
    if _WORDS.search(part.fn.id):
        return True
    value = machine.globals.find(part.fn.id)
    bodies = [obj.func.body for obj in value.objs if isinstance(obj, Closure)] if value is not None else []
    return depth > 0 and any(_risky(machine, call, depth - 1) for body in bodies for call in _calls_in(body))


def _refs(machine: Machine, node: If) -> str:
    from symbi_static.ir.nodes import Name

    words = []
    stack: list[object] = [node.test]
    while stack:
        part = stack.pop()
        if isinstance(part, Name):
            value = machine.globals.find(part.id)
            words.append(value.ref if value is not None and value.ref else part.id)
        if hasattr(part, "__slots__"):
            for cls in type(part).__mro__:
                stack.extend(
                    getattr(part, slot) for slot in getattr(cls, "__slots__", ()) if slot not in ("line", "end")
                )
        elif isinstance(part, list | tuple):
            stack.extend(part)
    return " ".join(words)
