"""The network: hosts that input chooses, what leaves, and how well the way is protected."""

from __future__ import annotations

import re

from symbi_static.flow.library import NETWORK_HOST, PROGRAMS, SECRETISH, SHELL_STRINGS, SOCKET_SEND, is_network
from symbi_static.flow.machine import Site
from symbi_static.flow.values import Val, shape_of
from symbi_static.rules.collector import Collector

__all__ = ["check_exfiltration", "check_ssrf", "check_transport", "host_of", "request_url", "sends"]

_MESSENGERS = re.compile(
    r"discord(?:app)?\.com/api/webhooks|api\.telegram\.org|hooks\.slack\.com|webhook\.site|requestbin|pipedream\.net|ngrok|burpcollaborator|oastify|interact\.sh|pastebin\.com/api|transfer\.sh|0x0\.st|file\.io|hastebin",
    re.IGNORECASE,
)
_LOCAL = re.compile(
    r"^(?:localhost|127\.|0\.0\.0\.0|\[?::1|host\.docker\.internal|[a-z0-9-]+\.local$|[a-z0-9-]+$)", re.IGNORECASE
)
_DNS = re.compile(
    r"^(?:socket\.(?:gethostbyname(?:_ex)?|getaddrinfo)|dns\.resolver\.(?:resolve|query)|dns\.resolver\.Resolver\(\)\.(?:resolve|query)|dns\.(?:promises\.)?(?:lookup|resolve\w*)|aiodns\.DNSResolver\(\)\.query)$"
)
_NET_PROGRAM = re.compile(
    r"\b(?:curl|wget|nc|ncat|nslookup|dig|host|ssh|scp|rsync|ftp|telnet|ping|Invoke-WebRequest|iwr)\b"
)
_HOST = re.compile(r"^(?:https?|wss?|ftp)://(?:[^/@\x00\x01]*@)?([^/:?#\x00\x01]+)")
_SECRETS = ("secret", "environ")
_CHAIN = ("chain:secret-to-network",)
_SENDERS = frozenset(
    {"sendmail", "send_message", "sendMail", "storbinary", "put_object", "upload_file", "upload_fileobj", "sendBeacon"}
    | {"publish"}
)


def request_url(site: Site) -> Val:
    """The URL of a request, wherever the library wants it."""
    for name in ("url", "uri", "baseURL", "host", "hostname"):
        if name in site.named:
            return site.named[name]
    first = site.args[0] if site.args else Val()
    if (
        site.name in ("request", "stream", "open")
        and len(site.args) > 1
        and (first.text() or "").upper() in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
    ):
        return site.args[1]
    if first.fields:
        for name in ("url", "uri", "hostname", "host", "baseURL"):
            if name in first.fields:
                return first.fields[name]
    if first.ref.endswith("Request()") and first.fields and "$url" in first.fields:
        return first.fields["$url"]
    if site.ref.endswith("sendto") and len(site.args) > 1:
        first = site.args[1]
    if NETWORK_HOST.match(site.ref) and first.items:
        return first.items[0]
    if site.ref.startswith(("net.", "tls.")) and len(site.args) > 1 and isinstance(first.const, int):
        return site.args[1]
    return first


def host_of(value: Val) -> str | None:
    """The constant host of a URL or address, or None."""
    outline = shape_of(value)
    match = _HOST.match(outline)
    if match and outline[match.end() : match.end() + 1] not in ("\x00", "\x01"):
        return match.group(1).lower()
    if isinstance(value.const, str) and re.fullmatch(r"[A-Za-z0-9.-]+", value.const) and "." in value.const:
        return value.const.lower()
    return None


def sends(site: Site) -> bool:
    """Whether a call sends something over the network."""
    first = site.args[0] if site.args else Val()
    second = site.args[1] if len(site.args) > 1 else Val()
    return (
        is_network(site.ref, shape_of(first))
        or (site.name in ("request", "stream") and is_network(site.ref, shape_of(second)))
        or bool(NETWORK_HOST.match(site.ref))
    )


def check_ssrf(site: Site, out: Collector) -> None:
    """Hosts that input chooses."""
    if not sends(site) and site.ref not in ("urllib.request.Request",):
        return
    url = request_url(site)
    if not url.unsafe("url", "input"):
        return
    outline = shape_of(url)
    first = outline.find("\x00")
    before = outline[:first] if first >= 0 else outline
    if "\x01" in before:
        return
    if re.match(r"^(?:https?|wss?|ftp)://[^/?#\x00\x01]+[/?#]", before) or (
        before.startswith("/") and not before.startswith("//")
    ):
        return
    if re.match(r"^(?:https?|wss?)://[A-Za-z0-9.-]+(?::\d*)?$", before) and not before.endswith(("//", ".")):
        out.add(
            "url-host-suffix",
            "Input follows the host name directly.",
            node=site.call,
            trace=url.trace("input"),
            confidence=0.75,
        )
        return
    out.add(
        "url-from-input", f"`{site.ref}` contacts a host that input chooses.", node=site.call, trace=url.trace("input")
    )


def check_transport(site: Site, out: Collector) -> None:
    """Verification that is switched off; plain HTTP."""
    for name in ("verify", "verify_ssl", "ssl", "check_hostname", "rejectUnauthorized", "strictSSL"):
        value = site.named.get(name)
        if (
            value is not None
            and value.const is False
            and (sends(site) or re.search(r"Session|Client|Connector|Agent|Pool", site.ref))
        ):
            out.add("no-certificate-check", f"`{name}` is off.", node=site.call)
    for arg in [*site.args, *site.named.values()]:
        for fields in (arg.fields or {}, *[(part.fields or {}) for part in (arg.fields or {}).values()]):
            value = fields.get("rejectUnauthorized") or fields.get("strictSSL")
            if value is not None and value.const is False:
                out.add("no-certificate-check", "`rejectUnauthorized` is off.", node=site.call)
    if site.ref in ("ssl._create_unverified_context", "ssl._create_stdlib_context", "urllib3.disable_warnings"):
        out.add("no-certificate-check", f"`{site.ref}` switches verification off.", node=site.call)
    if sends(site):
        url = request_url(site)
        host = host_of(url)
        if shape_of(url).startswith(("http://", "ws://", "ftp://")) and host and not _LOCAL.match(host):
            out.add("plain-http", f"Plain HTTP to {host}.", node=site.call)


def check_exfiltration(site: Site, out: Collector) -> None:
    """Secrets, files and the environment on their way out."""
    _check_dns(site, out)
    if SHELL_STRINGS.match(site.ref) or PROGRAMS.match(site.ref):
        _check_programs(site, out)
        return
    if not _leaves(site):
        return
    url = request_url(site)
    aside = ("headers", "auth", "cookies", "cert", "timeout", "env")
    payload = [*site.args, *(value for name, value in site.named.items() if name not in aside)]
    if site.base is not None and SOCKET_SEND.search(site.ref):
        payload = list(site.args)
    host = host_of(url)
    secret = next((value for value in payload if value.has(*_SECRETS)), None)
    if secret is not None:
        trace = secret.trace(*_SECRETS)
        out.add("secret-to-network", f"Secrets are sent {_to(host)}.", node=site.call, trace=trace, tags=_CHAIN)
        return
    if _named_secret(site, payload, host, out) or _file_content(site, payload, host, out):
        return
    rest = payload[0 if site.named else 1 :]
    told = next((value for value in rest if value.has("input", "file", "env")), None)
    if told is not None and _MESSENGERS.search(shape_of(url)):
        trace = told.trace("input", "file", "env")
        out.add("data-to-messenger", f"Data is sent to a hook {_to(host)}.", node=site.call, trace=trace)


def _leaves(site: Site) -> bool:
    """Whether a call takes data off the machine, or prepares that."""
    known = sends(site) or bool(SOCKET_SEND.search(site.ref)) or site.name in _SENDERS
    return known or _writes_request(site) or site.ref == "urllib.request.Request"


def _file_content(site: Site, payload: list[Val], host: str | None, out: Collector) -> bool:
    """File content on its way out; an uploader that declares its host and its reading is medium."""
    value = next((value for value in payload if value.has("file") and not value.has("net")), None)
    if value is None:
        return False
    words = site.machine.declared
    open_about_it = bool(host) and any(word.lower().endswith(f":{host}") for word in words)
    open_about_it = open_about_it and any(word.startswith(("fs", "file")) for word in words)
    out.add(
        "file-to-network",
        f"File content is sent {_to(host)}.",
        node=site.call,
        trace=value.trace("file"),
        severity="medium" if open_about_it else None,
    )
    return True


def _writes_request(site: Site) -> bool:
    return (
        site.name in ("write", "end", "send")
        and site.base is not None
        and bool(re.match(r"^(?:https?\.request|XMLHttpRequest|new WebSocket|WebSocket|net\.)", site.base.ref))
    )


def _to(host: str | None) -> str:
    return f"to {host}" if host else "over the network"


def _named_secret(site: Site, payload: list[Val], host: str | None, out: Collector) -> bool:
    """A named token may go to the service it belongs to, in the header or not; anywhere else it leaks."""
    guards = [site.named[name] for name in ("headers", "auth", "cookies") if name in site.named]
    guards += [value.fields["headers"] for value in payload if value.fields and "headers" in value.fields]
    for value in [*payload, *guards]:
        for label, trace in sorted(value.taint.items()):
            name = label[4:] if label.startswith("env:") else ""
            if (
                not name
                or not SECRETISH.search(name)
                or _belongs(name, host, site, in_header=value in guards or _only_headers(value, label))
            ):
                continue
            out.add(
                "secret-to-network",
                f"{name} is sent {_to(host)}.",
                node=site.call,
                trace=trace,
                tags=("chain:secret-to-network",),
            )
            return True
    return False


def _only_headers(value: Val, label: str) -> bool:
    fields = value.fields or {}
    return "headers" in fields and not any(
        label in part.taint for name, part in fields.items() if name not in ("headers", "auth")
    )


def _belongs(name: str, host: str | None, site: Site, *, in_header: bool) -> bool:
    words = [
        word
        for word in re.split(r"[_\W]+", name.lower())
        if len(word) >= 3
        and word
        not in (
            "api",
            "key",
            "token",
            "secret",
            "auth",
            "pass",
            "password",
            "access",
            "private",
            "url",
            "app",
            "bot",
            "client",
        )
    ]
    declared = [p.split(":", 1)[1].lower() for p in site.machine.declared if ":" in p and p.startswith(("net", "http"))]
    if host is None:
        return in_header or not words
    bare = host.replace("-", "").replace(".", "")
    alias = {"aws": "amazonaws", "gh": "github", "google": "googleapis", "twitter": "x.com", "openai": "openai"}
    if any(word in bare or alias.get(word, "\x00") in bare for word in words):
        return True
    if any(host == allowed or host.endswith("." + allowed) for allowed in declared):
        return in_header or not words
    if declared:
        return False
    known = re.compile(
        r"aws|github|gitlab|slack|stripe|openai|anthropic|google|azure|npm|pypi|twilio|sendgrid|discord|telegram|database|ssh|hugging"
    )
    return in_header and not any(known.search(word) for word in words)


def _check_dns(site: Site, out: Collector) -> None:
    if not _DNS.match(site.ref):
        return
    name = site.args[0] if site.args else Val()
    if name.has("secret", "environ", "file") or any(
        label.startswith("env:") and SECRETISH.search(label) for label in name.taint
    ):
        out.add(
            "data-over-dns",
            "Secret data is put into a host name.",
            node=site.call,
            trace=name.trace("secret", "environ", "file", "env"),
            tags=("chain:secret-to-network",),
        )
    elif name.has("input") and re.search(r"\x00[^\x00]*\.[a-z0-9-]+\.[a-z]{2,}", shape_of(name)):
        out.add(
            "data-over-dns",
            "Input is put into a host name of a fixed domain.",
            node=site.call,
            trace=name.trace("input"),
        )


def _check_programs(site: Site, out: Collector) -> None:
    values = site.everything()
    text = " ".join(shape_of(value) for value in values)
    if not _NET_PROGRAM.search(text):
        return
    given = [value for value in values if not (value.fields and "env" in value.fields) and "env-copy" not in value.ref]
    for value in given:
        if value.has(*_SECRETS, "file") or any(
            label.startswith("env:") and SECRETISH.search(label) for label in value.taint
        ):
            if value is site.named.get("env"):
                continue
            out.add(
                "secret-to-network",
                "Secrets are handed to a network program.",
                node=site.call,
                trace=value.trace("secret", "environ", "file", "env"),
                tags=("chain:secret-to-network",),
            )
            return
    if re.search(r"(?:\.ssh/|\.aws/|/etc/passwd|/etc/shadow|\$\(?env\b|printenv|\.env\b|id_rsa)", text) and re.search(
        r"\bcurl\b.*(?:-d|--data|-F|-T|@)|\bnc\b|\bwget\b.*--post|\|\s*(?:curl|nc|wget)", text
    ):
        out.add(
            "secret-to-network",
            "A command sends a credential file away.",
            node=site.call,
            tags=("chain:secret-to-network",),
        )
