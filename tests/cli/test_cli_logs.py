"""Log lines say what they belong to, and hold no secret."""

from __future__ import annotations

import json
import logging
from contextvars import copy_context

import pytest

from symbi.cli.logs import set_up_logging
from symbi.contracts.telemetry import log_fields


@pytest.fixture
def stderr(capsys):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)


def log_inside(fields):
    def work():
        log_fields.set(fields)
        logging.getLogger("symbi.x").warning("hello")

    copy_context().run(work)


@pytest.mark.parametrize(
    "fields", [{"request_id": "r-1", "trace_id": "t" * 32}, {"run_id": "5599ca51-15bc", "trace_id": "t" * 32}]
)
def test_lines_for_machines_carry_the_ids_as_fields(stderr, fields):
    set_up_logging("info", as_json=True)
    log_inside(fields)
    logging.getLogger("symbi.x").warning("outside")
    inside, outside = (json.loads(line) for line in stderr().splitlines() if '"symbi.x"' in line)  # others may log too
    assert fields.items() <= inside.items()
    assert not {"request_id", "trace_id", "run_id"} & outside.keys()


def test_lines_for_people_end_in_a_short_id(stderr):
    set_up_logging("info")
    log_inside({"run_id": "5599ca51-15bc-46f2"})
    assert "symbi.x: hello run_id=5599ca51\n" in stderr()
