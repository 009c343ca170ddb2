"""`python -m symbi.cli` is `symbi`."""

from __future__ import annotations

from symbi.cli.main import main

main()
