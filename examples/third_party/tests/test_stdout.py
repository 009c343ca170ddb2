"""The plugin passes the contract of exporters, and prints what it is given."""

from __future__ import annotations

import json

from symbi_stdout import plugin
from symbi_stdout.exporter import Stdout

from symbi.testing.exporters import ExporterContract, a_snapshot


class TestStdout(ExporterContract):
    """Everything an exporter must do."""

    plugin = plugin
    name = "stdout"


async def test_a_snapshot_is_one_line_of_json(capsys):
    await Stdout("m ").export(a_snapshot())
    line = capsys.readouterr().out
    assert json.loads(line.removeprefix("m "))["system"]["uptime_seconds"] == 60
