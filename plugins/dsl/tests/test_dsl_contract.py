"""The language keeps the contract of languages."""

from __future__ import annotations

from symbi.testing.languages import LanguageContract
from symbi_dsl import plugin


class TestSymbiLanguage(LanguageContract):
    """The contract over the language of `.symbi` files."""

    plugin = plugin
    name = "symbi"
    good = (
        "agent a {}",
        'agent a { with { let x = 1\n f(x) } policy p { allow: f if x.y == 1; deny: "g*" } }',
        "agent a {} agent b(n: int = 2) { function main() { n } }",
        'metadata { version = "1" } type T = int agent a { schedule s { cron: "@daily" } memory { } }',
    )
    bad = ("agent {", 'agent a { with sandbox = "x" {} }', "import x", "agent a { with { if x and y {} } }")
