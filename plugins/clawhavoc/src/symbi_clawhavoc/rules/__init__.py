"""One module a rule; the order is that of the findings of one line."""

from __future__ import annotations

from importlib import import_module

from symbi.contracts.scanner import ScannerRule

__all__ = ["ORDER", "all_rules"]

ORDER = (
    "pipe-to-shell",
    "wget-pipe-to-shell",
    "env-file-reference",
    "soul-md-modification",
    "memory-md-modification",
    "eval-with-fetch",
    "fetch-with-eval",
    "base64-decode-exec",
    "rm-rf-pattern",
    "chmod-777",
    "reverse-shell-bash",
    "reverse-shell-nc",
    "reverse-shell-ncat",
    "reverse-shell-mkfifo",
    "reverse-shell-python",
    "reverse-shell-perl",
    "reverse-shell-ruby",
    "credential-ssh-keys",
    "credential-aws",
    "credential-cloud-config",
    "credential-browser-cookies",
    "credential-keychain",
    "credential-etc-shadow",
    "exfil-dns-tunnel",
    "exfil-dev-tcp",
    "exfil-nc-outbound",
    "injection-ptrace",
    "injection-ld-preload",
    "injection-proc-mem",
    "injection-gdb-attach",
    "privesc-sudo",
    "privesc-setuid",
    "privesc-setcap",
    "privesc-chown-root",
    "privesc-nsenter",
    "symlink-escape",
    "path-traversal-deep",
    "downloader-curl-save",
    "downloader-wget-save",
    "downloader-chmod-exec",
)


def all_rules() -> list[ScannerRule]:
    """Return the forty rules in order."""
    return [import_module(f"{__name__}.{rule.replace('-', '_')}").RULE for rule in ORDER]
