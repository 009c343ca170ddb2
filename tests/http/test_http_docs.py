"""docs/http.md says what the settings are: a table that has drifted fails."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from symbi.http.settings import AuthSettings, ServerSettings

PAGE = Path(__file__).parents[2] / "docs" / "http.md"


@pytest.mark.parametrize(("table", "kind"), [("server", ServerSettings), ("auth", AuthSettings)])
def test_settings_tables_match_the_structs(table: str, kind: type[msgspec.Struct]) -> None:
    section = PAGE.read_text().split(f"`[{table}]`")[1].split("\n\n")[1]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE)
    written = {name: value.strip("`") for name, value in rows}
    actual = {field.name: _shown(field.default) for field in msgspec.structs.fields(kind)}
    assert written == actual


def _shown(default: object) -> str:
    if default is None:
        return "unset"
    if default == ():
        return "[]"
    return msgspec.json.encode(default).decode()
