"""Curated notes on each category: what it is, what has gone wrong elsewhere, what to ask (our own words)."""

# ruff: noqa: E501  # tables of words and patterns read best one entry a line
from __future__ import annotations

__all__ = ["NOTES"]

NOTES: dict[str, tuple[str, str, str]] = {
    "command_injection": ("CWE-78", "shell command subprocess os system exec input argument quote injection", "A tool's input comes from a model that may be repeating a stranger's text. Text that reaches a shell lets that stranger run any program; an argument list without a shell does not."),
    "code_injection": ("CWE-95", "eval exec compile function code evaluate expression sandbox builtins injection", "Evaluating input as code cannot be made safe by emptying the builtins: attributes of any object lead back to them. A small parser for the wanted grammar is shorter and safe."),
    "sql_injection": ("CWE-89", "sql query execute select where concatenation format bound parameter injection", "Input joined into SQL changes the question that is asked of the database. Bound parameters keep data and question apart; names of columns come from a fixed set."),
    "deserialization": ("CWE-502", "pickle yaml load marshal deserialize object loader untrusted", "Formats that rebuild objects run code of the writer's choice while they load. Data that crossed a border belongs in a format that only carries data."),
    "path_traversal": ("CWE-22", "path file open join traversal directory parent resolve archive zip tar member", "Joining a folder and a name does not keep the result inside the folder. Resolve the path first, then check that it is still below the root; the same holds for names in archives."),
    "ssrf": ("CWE-918", "url host request fetch internal metadata address redirect server side", "A tool that fetches what it is told reaches what its host reaches: metadata services, admin pages, neighbours. Fixed hosts, or a list of hosts that is checked after redirects, close that door."),
    "template_injection": ("CWE-1336", "template jinja render format string expression server side injection", "A template made of input is a program made of input. Templates are part of the tool; input is only ever a value in them."),
    "xss": ("CWE-79", "html svg markup escape render page script cross site", "Clients render what tools return. Unescaped input in HTML or SVG runs in the page of whoever looks at the result."),
    "credential_access": ("CWE-522", "credential key ssh aws token environment keychain browser password store file", "A tool needs at most the one credential of its own service. Reading key folders, browser stores or the whole environment has no honest reason in most tools."),
    "data_exfiltration": ("CWE-200", "exfiltration send upload post webhook dns secret environment file network leak", "Reading something private and sending something out are harmless alone and a leak together. Look at what is sent, to whom, and whether the user asked for it."),
    "secret_exposure": ("CWE-798", "hard coded secret api key token password source literal", "A key in the source is public from the day the tool is. It must be revoked, not only removed, and read from a declared variable afterwards."),
    "prompt_injection": ("CWE-1427", "prompt injection instructions ignore previous system model override description", "Text that a model reads as part of a tool can give it orders. A description says what a tool does; it has no business with the model's other instructions."),
    "tool_poisoning": ("CWE-1427", "tool poisoning hidden instructions description docstring parameter user conversation", "Poisoned descriptions make a model read files or pass on the conversation, and tell it to keep quiet. Anything that must be hidden from the user is a reason to reject."),
    "tool_shadowing": ("CWE-451", "shadowing imitation name similar other tool instead typosquat confusable", "A name one letter away from a known tool, or text that changes how another tool is used, takes over work that was meant for somebody else."),
    "hidden_unicode": ("CWE-1007", "unicode invisible zero width bidi tag characters homoglyph confusable hidden", "Invisible and direction-changing characters make people and machines read different texts. Review what the machine reads."),
    "obfuscation": ("CWE-506", "obfuscation base64 decode hex packed exec hidden payload encoded", "Honest tools have no reason to decode code and run it. Ask for the plain source."),
    "permission_mismatch": ("CWE-250", "permission declared undeclared capability network file process environment wildcard", "The permissions are what the user agrees to. What is used beyond them is a change of the agreement."),
    "backdoor": ("CWE-506", "backdoor reverse shell socket bind remote command control", "A shell on a socket gives the machine to whoever holds the other end. There is no harmless form of it in a tool."),
    "persistence": ("CWE-506", "persistence cron startup bashrc systemd autostart hook launch", "A tool runs when it is called. Installing itself into start-up files, timers or hooks makes it run when it is not."),
    "destructive": ("CWE-511", "delete remove rmtree wipe destroy logic bomb date condition", "Deletion belongs inside a folder that the tool made. An effect that waits for a date or a machine is meant to escape a review."),
    "supply_chain": ("CWE-494", "download install pip npm remote code update unpinned supply chain fetch run", "Code that is fetched at run time was not reviewed and can change tomorrow. Everything a tool runs ships with it, pinned."),
    "insecure_transport": ("CWE-295", "tls certificate verify http plain insecure transport", "Without checked certificates anyone on the way can read and change what is sent."),
    "resource_abuse": ("CWE-400", "loop recursion memory size regular expression denial of service miner fork", "Work that input can make endless stops the machine for everybody else. Bound loops, sizes and patterns."),
    "scanner_evasion": ("CWE-693", "suppression comment scanner reviewer ignore nosec evasion", "A submission that speaks to its reviewers or switches scanners off wants to be believed rather than read."),
    "analysis_incomplete": ("", "incomplete analysis parser error timeout partial", "What could not be analyzed was not found safe. Ask for a form that can be analyzed."),
    "no_source": ("", "no source schema only closed", "Without source only the words of the submitter can be judged."),
}  # fmt: skip
