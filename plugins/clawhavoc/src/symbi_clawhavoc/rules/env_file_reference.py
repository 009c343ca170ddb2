"""A dotenv file, where projects keep their secrets."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="env-file-reference",
    category="original",
    severity="warning",
    message="Refers to a .env file, which usually holds secrets",
    check=Pattern(r"""(?:^|[\s/\\"'`(\[{=:,<>|;&@*!+])\.env(?:[.-][A-Za-z][\w-]*)*(?:[^\w-]|$)"""),
    bad=("cat .env", "load(config/.env)", "cp .env.production /tmp", "READ .ENV NOW", 'open(".env")'),
    good=(
        "process.env.API_KEY",
        "import.meta.env.MODE",
        "use direnv and .envrc",
        "os.environ['HOME']",
        "self.env = env",
    ),
    remediation="Name the variables that are needed and take them from the environment or a secret store.",
    tags=("secret",),
)
