"""Every rule of the analyzer: its category, severity, CWE, title and what to do about it."""

# ruff: noqa: E501  # tables of words and patterns read best one entry a line
from __future__ import annotations

import hashlib

import msgspec

from symbi.contracts.review import Severity

__all__ = ["RULES", "Rule", "ruleset_digest"]


class Rule(msgspec.Struct, frozen=True):
    """One rule; `id` is stable for users, suppressions and SARIF."""

    id: str
    category: str
    severity: Severity
    cwe: str
    title: str
    recommendation: str


_TABLE = (
    ("shell-command-from-input", "command_injection", "critical", "CWE-78", "Input reaches a shell", "Pass an argument list without a shell, or quote every part with shlex.quote."),
    ("program-from-input", "command_injection", "critical", "CWE-78", "Input chooses the program that runs", "Choose the program from a fixed set and pass input only as arguments."),
    ("code-from-input", "code_injection", "critical", "CWE-95", "Input is evaluated as code", "Parse the value (ast.literal_eval, JSON, an own grammar) instead of evaluating it."),
    ("module-from-input", "code_injection", "critical", "CWE-95", "Input chooses what is imported or called", "Look the name up in a fixed table."),
    ("built-call-of-input", "code_injection", "critical", "CWE-95", "A function reached by a built name gets input", "Call functions by their plain names, and never with unchecked input."),
    ("sql-from-input", "sql_injection", "high", "CWE-89", "Input becomes part of an SQL text", "Use bound parameters; take identifiers from a fixed set."),
    ("template-from-input", "template_injection", "high", "CWE-1336", "Input becomes a template", "Keep templates constant and pass input as values."),
    ("format-from-input", "template_injection", "medium", "CWE-1336", "Input becomes a format string", "Keep the format constant and pass input as values."),
    ("html-from-input", "xss", "high", "CWE-79", "Input becomes part of HTML unescaped", "Escape it (html.escape) or use a template engine with autoescape."),
    ("unsafe-deserialization", "deserialization", "critical", "CWE-502", "Data from outside is deserialized into objects", "Use JSON, or a safe loader; never pickle data you did not write."),
    ("unsafe-loader", "deserialization", "medium", "CWE-502", "A loader that can run code reads local data", "Use a safe loader (yaml.safe_load, JSON, weights_only=True)."),
    ("path-from-input", "path_traversal", "high", "CWE-22", "Input chooses a file path without confinement", "Resolve the path and check is_relative_to(root) before use."),
    ("archive-path", "path_traversal", "high", "CWE-22", "Archive members are written where they say", "Extract with filter='data', or resolve and confine every member."),
    ("url-from-input", "ssrf", "high", "CWE-918", "Input chooses the host that is contacted", "Keep the host constant, or check it against a list of allowed hosts."),
    ("url-host-suffix", "ssrf", "medium", "CWE-918", "Input follows the host name without a slash", "Put a slash between the host and the input."),
    ("credential-file", "credential_access", "high", "CWE-522", "Reads a place where credentials live", "Ask for the one credential that is needed, declared as a permission."),
    ("whole-environment", "credential_access", "high", "CWE-522", "Takes the whole environment", "Read only the named variables that are declared."),
    ("credential-store", "credential_access", "high", "CWE-522", "Reads a credential store", "Declare the one secret that is needed as secrets.read:NAME."),
    ("secret-to-network", "data_exfiltration", "critical", "CWE-200", "Secrets leave over the network", "Do not send credentials or the environment anywhere but to the service they belong to."),
    ("file-to-network", "data_exfiltration", "critical", "CWE-200", "File content leaves over the network", "Declare the host and the files, and send only what the user asked to send."),
    ("data-over-dns", "data_exfiltration", "critical", "CWE-200", "Data leaves inside host names", "Look up constant names only."),
    ("data-to-messenger", "data_exfiltration", "critical", "CWE-200", "Data leaves to a chat hook", "Remove the hook, or make it a declared, configured destination."),
    ("secret-in-source", "secret_exposure", "high", "CWE-798", "A credential stands in the source", "Revoke it and read it from a declared environment variable."),
    ("decoded-then-run", "obfuscation", "critical", "CWE-506", "Hidden text is decoded and run", "Ship the code in the open."),
    ("hidden-name", "obfuscation", "high", "CWE-506", "A dangerous function is reached by a built name", "Call functions by their plain names."),
    ("encoded-payload", "obfuscation", "medium", "CWE-506", "A long encoded constant", "Ship data as files, in the open."),
    ("unreadable-line", "obfuscation", "high", "CWE-506", "Lines no person can read", "Submit the source, not a packed form."),
    ("remote-shell", "backdoor", "critical", "CWE-506", "A shell is tied to a network connection", "Remove it."),
    ("remote-commands", "backdoor", "critical", "CWE-506", "Commands come from the network", "Remove it."),
    ("start-up-entry", "persistence", "critical", "CWE-506", "Installs itself to run again", "A tool must not change start-up files, timers or hooks."),
    ("deletes-outside", "destructive", "high", "CWE-511", "Deletes outside its own folder", "Delete only inside a folder the tool made."),
    ("wipes-system", "destructive", "critical", "CWE-511", "Destroys the system or the home folder", "Remove it."),
    ("gated-effect", "destructive", "high", "CWE-511", "An effect waits for a date or a machine", "Remove the hidden condition."),
    ("download-and-run", "supply_chain", "critical", "CWE-494", "Code is fetched and run", "Ship all code with the tool, pinned and reviewed."),
    ("installs-packages", "supply_chain", "high", "CWE-494", "Installs packages at run time", "Declare dependencies and pin them."),
    ("rewrites-itself", "supply_chain", "high", "CWE-494", "Replaces its own source", "Release a new version for review instead."),
    ("remote-description", "supply_chain", "high", "CWE-494", "The description or schema comes from the network", "Ship descriptions and schemas with the tool."),
    ("no-certificate-check", "insecure_transport", "medium", "CWE-295", "TLS certificates are not checked", "Leave verification on."),
    ("plain-http", "insecure_transport", "medium", "CWE-319", "Plain HTTP to another machine", "Use https."),
    ("endless-loop", "resource_abuse", "medium", "CWE-400", "A loop without an end", "Bound the loop."),
    ("size-from-input", "resource_abuse", "medium", "CWE-400", "Input chooses how much is done", "Check the number against a limit."),
    ("fork-bomb", "resource_abuse", "high", "CWE-400", "Starts processes without an end", "Remove it."),
    ("miner", "resource_abuse", "high", "CWE-400", "Mines currency", "Remove it."),
    ("slow-pattern", "resource_abuse", "medium", "CWE-1333", "A pattern that can take exponential time", "Rewrite it without nested quantifiers."),
    ("endless-recursion", "resource_abuse", "medium", "CWE-674", "Recursion without an end", "Add a base case that bounds the depth."),
    ("suppression-comment", "scanner_evasion", "high", "CWE-693", "A comment tells a scanner to look away", "Remove it; accepted findings are kept by reviewers, not in the source."),
    ("text-to-reviewers", "scanner_evasion", "high", "CWE-693", "Text that speaks to the reviewer or scanner", "Remove it."),
    ("style-comment", "scanner_evasion", "info", "CWE-693", "A style suppression", "None needed."),
    ("ignore-file", "scanner_evasion", "high", "CWE-693", "Writes a scanner's ignore file", "Remove it."),
    ("not-analyzed", "analysis_incomplete", "high", "", "A part could not be analyzed", "Submit source that parses, within the size limits."),
    ("no-source", "no_source", "medium", "", "No source was submitted", "Submit the source; without it a person must decide."),
    ("undeclared-permission", "permission_mismatch", "high", "CWE-250", "Uses what it does not declare", "Declare the permission, or remove the use."),
    ("undeclared-harmless", "permission_mismatch", "info", "CWE-250", "Uses a harmless capability it does not declare", "Declare it for completeness."),
    ("unused-permission", "permission_mismatch", "low", "CWE-250", "Declares what it does not use", "Remove the permission."),
    ("wildcard-permission", "permission_mismatch", "medium", "CWE-250", "Declares everything", "Declare what is used."),
    ("nothing-declared", "permission_mismatch", "medium", "CWE-250", "Declares no permission and uses some", "Declare what is used."),
    ("unknown-permission", "permission_mismatch", "info", "", "An unknown permission word", "Use the words of the documentation."),
    ("instruction-override", "prompt_injection", "critical", "CWE-1427", "Text orders the model to drop its instructions", "Describe the tool; give no orders to the model."),
    ("hide-from-user", "tool_poisoning", "critical", "CWE-1427", "Text tells the model to hide something from the user", "Remove it."),
    ("hidden-action", "tool_poisoning", "critical", "CWE-1427", "Text makes the model do something else first", "Remove it."),
    ("data-request", "tool_poisoning", "critical", "CWE-1427", "Text makes the model hand over private data", "Ask only for what the tool needs."),
    ("hidden-markup", "tool_poisoning", "critical", "CWE-1427", "Orders inside hidden markup", "Remove it."),
    ("other-tool-orders", "tool_shadowing", "high", "CWE-451", "Text changes how another tool is used", "Describe only this tool."),
    ("look-alike-name", "tool_shadowing", "high", "CWE-451", "A name that imitates another tool", "Choose a name of its own."),
    ("tag-characters", "hidden_unicode", "high", "CWE-1007", "Invisible tag characters carry text", "Remove them."),
    ("bidi-control", "hidden_unicode", "high", "CWE-1007", "Text direction is overridden", "Remove the controls."),
    ("invisible-characters", "hidden_unicode", "high", "CWE-1007", "Invisible characters", "Remove them."),
    ("mixed-script-name", "hidden_unicode", "high", "CWE-1007", "A name mixes look-alike scripts", "Use letters of one script."),
    ("hidden-bytes", "hidden_unicode", "high", "CWE-1007", "A run of variation selectors or private characters", "Remove them."),
)  # fmt: skip

RULES: dict[str, Rule] = {row[0]: Rule(*row) for row in _TABLE}  # type: ignore[arg-type]


def ruleset_digest() -> str:
    """SHA-256 over all rules: it changes when a rule does."""
    return hashlib.sha256(repr(_TABLE).encode()).hexdigest()
