"""Capabilities: what the code uses, against what it declares."""

# ruff: noqa: E501  # tables of words and patterns read best one entry a line
from __future__ import annotations

import re

from symbi.contracts.review import ObservedPermission
from symbi_static.flow.library import DB_OPEN, FILE_ATTRS, FILE_READ, NETWORK_HOST, PROGRAMS, SHELL_STRINGS
from symbi_static.flow.machine import Site
from symbi_static.flow.values import Val, shape_of
from symbi_static.ir.nodes import Attr, Expr
from symbi_static.rules.collector import Collector
from symbi_static.rules.files import paths_of, writes
from symbi_static.rules.network import host_of, request_url, sends

__all__ = ["Capabilities", "normalise"]

_ALIASES = {
    "network": ("net.outbound",), "net": ("net.outbound",), "http": ("net.outbound",), "https": ("net.outbound",), "internet": ("net.outbound",), "network_access": ("net.outbound",), "net.http": ("net.outbound",), "network.outbound": ("net.outbound",), "network:outbound": ("net.outbound",), "http_request": ("net.outbound",), "network.http": ("net.outbound",), "net.connect": ("net.outbound",),
    "listen": ("net.listen",), "network.listen": ("net.listen",), "server": ("net.listen",),
    "filesystem": ("fs.read", "fs.write"), "fs": ("fs.read", "fs.write"), "files": ("fs.read", "fs.write"), "file": ("fs.read", "fs.write"), "disk": ("fs.read", "fs.write"), "file_access": ("fs.read", "fs.write"),
    "file_read": ("fs.read",), "read_file": ("fs.read",), "read_files": ("fs.read",), "file.read": ("fs.read",), "filesystem.read": ("fs.read",), "filesystem:read": ("fs.read",), "fs:read": ("fs.read",), "file:read": ("fs.read",), "read": ("fs.read",),
    "file_write": ("fs.write",), "write_file": ("fs.write",), "write_files": ("fs.write",), "file.write": ("fs.write",), "filesystem.write": ("fs.write",), "filesystem:write": ("fs.write",), "fs:write": ("fs.write",), "file:write": ("fs.write",), "write": ("fs.write",),
    "shell": ("process.spawn",), "exec": ("process.spawn",), "process": ("process.spawn",), "subprocess": ("process.spawn",), "command": ("process.spawn",), "execute": ("process.spawn",), "process.exec": ("process.spawn",), "spawn": ("process.spawn",),
    "env": ("env.read",), "environment": ("env.read",), "environ": ("env.read",), "environment_variables": ("env.read",), "env_read": ("env.read",), "environment.read": ("env.read",),
    "secrets": ("secrets.read",), "secret": ("secrets.read",), "credentials": ("secrets.read",),
    "database": ("db.read", "db.write"), "db": ("db.read", "db.write"), "sql": ("db.read", "db.write"), "database.read": ("db.read",), "database.write": ("db.write",), "db_read": ("db.read",), "db_write": ("db.write",),
    "time": ("clock",), "llm": ("llm.sample",), "sampling": ("llm.sample",), "model": ("llm.sample",),
}  # fmt: skip
_WORDS = (
    "fs.read",
    "fs.write",
    "net.outbound",
    "net.listen",
    "process.spawn",
    "env.read",
    "secrets.read",
    "db.read",
    "db.write",
    "clock",
    "llm.sample",
)
_SERVERS = re.compile(
    r"(?:\.listen|\.bind|serve_forever|uvicorn\.run|HTTPServer|TCPServer|start_server|createServer\(\)\.listen|websockets\.serve|web\.run_app)$"
)
_SQL_WRITES = re.compile(
    r"^\s*(?:INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|REPLACE|TRUNCATE|VACUUM|MERGE|GRANT)\b", re.IGNORECASE
)
_CLOCK = re.compile(
    r"^(?:time\.(?:time|time_ns|localtime|gmtime|strftime)|datetime\.(?:datetime|date)\.(?:now|utcnow|today)|datetime\.now|date\.today|Date\.now|Date)$"
)


def normalise(declared: tuple[str, ...]) -> tuple[set[str], list[str], bool]:
    """Known permissions, unknown words, and whether a wildcard is among them."""
    known: set[str] = set()
    unknown: list[str] = []
    wildcard = False
    for raw in declared:
        word = raw.strip()
        low = word.lower()
        if low in ("*", "all", "any", "admin", "root", "full", "full_access") or low.endswith((".*", ":*")):
            wildcard = True
            family = low.split(".")[0] if "." in low else ""
            known.update(w for w in _WORDS if not family or w.startswith(family + ".") or low.removesuffix(":*") == w)
            continue
        if low in _ALIASES:
            known.update(_ALIASES[low])
            continue
        head, _, rest = word.partition(":")
        names = _ALIASES.get(head.lower(), (head.lower(),))
        if names[0] in _WORDS:
            known.update(f"{name}:{rest}" if rest else name for name in names)
        elif head.lower() in ("http", "https") and rest:
            known.add(f"net.outbound:{rest.strip('/').split('/')[0]}")
        else:
            unknown.append(word)
    return known, unknown, wildcard


class Capabilities:
    """Collects what is used, with the first line of each."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._sqlite = False

    def note(self, permission: str, line: int) -> None:
        self._seen[permission] = min(line, self._seen.get(permission, line))

    def on_attr(self, node: Expr, value: Val, line: int) -> None:
        """Environment variables that are read as attributes or elements."""
        for label, trace in value.taint.items():
            if label.startswith("env:") and trace and trace[0][0] == line and isinstance(node, Attr):
                self.note(f"env.read:{label[4:]}", line)

    def on_taint(self, value: Val) -> None:
        for label, trace in value.taint.items():
            if label.startswith("env:") and trace:
                self.note("env.read" if label == "env:*" else f"env.read:{label[4:]}", trace[0][0])
            elif label == "environ" and trace:
                self.note("env.read", trace[0][0])

    def on_call(self, site: Site) -> None:
        """What one call needs."""
        line = site.call.line
        for value in [*site.args, *site.named.values(), *([site.base] if site.base is not None else [])]:
            self.on_taint(value)
        if sends(site):
            host = host_of(request_url(site))
            self.note(f"net.outbound:{host}" if host else "net.outbound", line)
        if NETWORK_HOST.match(site.ref) and not sends(site):
            self.note("net.outbound", line)
        if _SERVERS.search(site.ref) and not site.ref.startswith("functools"):
            port = next(
                (
                    str(v.const)
                    for v in [*site.args, *site.named.values()]
                    if isinstance(v.const, int) and not isinstance(v.const, bool) and 0 < v.const < 65536
                ),
                "",
            )
            port = port or next(
                (
                    str(v.items[1].const)
                    for v in site.args
                    if v.items and len(v.items) == 2 and isinstance(v.items[1].const, int)
                ),
                "",
            )
            if (
                site.base is None
                or "socket" in site.base.ref
                or "erver" in site.ref
                or "web" in site.ref
                or site.name == "listen"
            ):
                self.note(f"net.listen:{port}" if port and port != "0" else "net.listen", line)
        if SHELL_STRINGS.match(site.ref) or PROGRAMS.match(site.ref):
            self._program(site, line)
        self._files(site, line)
        self._database(site, line)
        if _CLOCK.match(site.ref):
            self.note("clock", line)
        if site.name in ("create_message", "sample", "createMessage") and site.base is not None:
            self.note("llm.sample", line)
        if site.ref.startswith(("keyring.get", "keytar.")):
            self.note("secrets.read", line)

    def _program(self, site: Site, line: int) -> None:
        first = site.arg(0, "args", "cmd", "command") or Val()
        word = first.items[0] if first.items else first
        text = shape_of(word).strip()
        name = re.split(r"[\s;|&]", text)[0].rsplit("/", 1)[-1]
        if word.ref == "sys.executable":
            name = "python"
        usable = bool(re.fullmatch(r"[A-Za-z0-9_.+-]+", name))
        self.note(f"process.spawn:{name}" if usable else "process.spawn", line)

    def _files(self, site: Site, line: int) -> None:
        own = [path for path in paths_of(site) if "own-temp" in path.tags]
        if own and len(own) == len(paths_of(site)):
            return
        if site.ref.startswith("tempfile."):
            return
        if writes(site) and site.ref != "urllib.request.urlretrieve":
            self.note("fs.write", line)
            if site.name in (
                "copy",
                "copy2",
                "copyfile",
                "copytree",
                "copyFile",
                "copyFileSync",
                "make_archive",
            ) or "+" in ((site.arg(1, "mode") or Val()).text() or ""):
                self.note("fs.read", line)
        elif site.ref == "urllib.request.urlretrieve":
            self.note("fs.write", line)
        elif (
            FILE_READ.match(site.ref)
            or FILE_ATTRS.match(site.ref)
            or site.name in ("read_text", "read_bytes", "iterdir", "rglob")
        ):
            self.note("fs.read", line)
        elif re.match(r"^(?:zipfile\.ZipFile|tarfile\.open)$", site.ref):
            mode = (site.arg(1, "mode") or Val()).text() or "r"
            self.note("fs.write" if mode[:1] in ("w", "a", "x") else "fs.read", line)

    def _database(self, site: Site, line: int) -> None:
        if DB_OPEN.match(site.ref):
            self._sqlite = self._sqlite or "sqlite" in site.ref or "duckdb" in site.ref
            if (site.args[0].text() if site.args else "") != ":memory:":
                self.note("db.read", line)
        elif (
            site.name in ("execute", "executemany", "executescript", "query", "run", "prepare", "exec")
            and site.base is not None
            and site.args
        ):
            text = shape_of(site.args[0])
            if _SQL_WRITES.match(text):
                self.note("db.write", line)
            elif re.match(r"^\s*(?:SELECT|WITH|PRAGMA|SHOW|EXPLAIN)\b", text, re.IGNORECASE):
                self.note("db.read", line)

    def observed(self) -> tuple[ObservedPermission, ...]:
        """Sorted; a general permission gives way to the exact ones unless it was seen by itself."""
        return tuple(ObservedPermission(permission=name, line=self._seen[name]) for name in sorted(self._seen))

    def compare(self, declared: tuple[str, ...], out: Collector) -> None:
        """Findings for what is undeclared, unused, unknown or declared wholesale."""
        known, unknown, wildcard = normalise(declared)
        for word in unknown:
            out.add("unknown-permission", f"`{word}` is not a permission word.", where="permissions", seed=word)
        if wildcard:
            out.add(
                "wildcard-permission",
                "A wildcard declares more than any tool needs.",
                where="permissions",
                seed="wildcard",
            )
        used = self.observed()
        harmful = [item for item in used if item.permission not in ("clock", "llm.sample")]
        if not declared:
            if harmful:
                words = ", ".join(item.permission for item in harmful[:12])
                out.add(
                    "nothing-declared",
                    f"Nothing is declared, used is: {words}.",
                    line=harmful[0].line,
                    where="permissions" if harmful[0].line is None else "source",
                    seed="none",
                )
            return
        for item in used:
            if not self._covered(item.permission, known):
                rule = "undeclared-permission" if item in harmful else "undeclared-harmless"
                out.add(rule, f"`{item.permission}` is used and not declared.", line=item.line, seed=item.permission)
        for name in sorted(known):
            if not wildcard and not any(self._covered(item.permission, {name}) for item in used):
                out.add(
                    "unused-permission",
                    f"`{name}` is declared and not used.",
                    where="permissions",
                    seed=name,
                    confidence=0.7,
                )

    def _covered(self, used: str, known: set[str]) -> bool:
        head, _, rest = used.partition(":")
        if used in known or head in known:
            return True
        if head == "net.outbound" and any(name.startswith("net.outbound:") for name in known):
            hosts = [name.split(":", 1)[1].split(":")[0].lower() for name in known if name.startswith("net.outbound:")]
            return (
                bool(rest) and any(rest == host or rest.endswith("." + host.removeprefix("*.")) for host in hosts)
            ) or (not rest and bool(hosts))
        if head in ("process.spawn", "env.read", "net.listen") and not rest:
            return any(name.startswith(f"{head}:") for name in known)
        if head == "env.read":
            return "secrets.read" in known or f"secrets.read:{rest}" in known
        if head == "secrets.read":
            return any(name.startswith(("secrets.read", "env.read")) for name in known)
        if head == "db.read":
            return (
                "db.write" in known
                or any(name.startswith("db.") for name in known)
                or (self._sqlite and bool({"fs.read", "fs.write"} & {n.split(":")[0] for n in known}))
            )
        if head == "db.write":
            return self._sqlite and "fs.write" in known
        if head in ("fs.read", "fs.write"):
            return any(name.startswith(f"{head}:") for name in known)
        return False
