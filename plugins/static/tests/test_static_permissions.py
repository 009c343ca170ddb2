"""TR-09: for thirty programs the observed permissions equal a list made by hand; undeclared is high, unused is low."""

from __future__ import annotations

import pytest

from symbi.contracts.review import Submission
from symbi_static.analysis import analyze

PROGRAMS = [
    ("python", "def f(a):\n    return a\n", ""),
    ("python", "def f():\n    return open('a.txt').read()\n", "fs.read"),
    ("python", "from pathlib import Path\ndef f():\n    return Path('a').read_text()\n", "fs.read"),
    ("python", "def f():\n    open('a.txt', 'w').write('x')\n", "fs.write"),
    ("python", "import os\ndef f():\n    os.remove('a')\n", "fs.write"),
    ("python", "import os\ndef f():\n    return os.listdir('.')\n", "fs.read"),
    ("python", "import shutil\ndef f():\n    shutil.copy('a', 'b')\n", "fs.read fs.write"),
    (
        "python",
        "import requests\ndef f():\n    return requests.get('https://api.a.example/x').text\n",
        "net.outbound:api.a.example",
    ),
    (
        "python",
        "import requests\nB = 'https://api.a.example'\ndef f(q):\n    return requests.get(f'{B}/s', params={'q': q}).text\n",
        "net.outbound:api.a.example",
    ),
    (
        "python",
        "import httpx\nasync def f():\n    async with httpx.AsyncClient() as c:\n        return (await c.post('https://b.example/', json={})).json()\n",
        "net.outbound:b.example",
    ),
    (
        "python",
        "import urllib.request as u\ndef f():\n    return u.urlopen('https://c.example').read()\n",
        "net.outbound:c.example",
    ),
    (
        "python",
        "import socket\ndef f():\n    s = socket.socket()\n    s.connect(('d.example', 80))\n",
        "net.outbound:d.example",
    ),
    (
        "python",
        "import smtplib\ndef f(m):\n    smtplib.SMTP('mail.e.example').send_message(m)\n",
        "net.outbound:mail.e.example",
    ),
    (
        "python",
        "import socket\ndef f():\n    s = socket.socket()\n    s.bind(('', 9000))\n    s.listen()\n",
        "net.listen net.listen:9000",
    ),
    ("python", "import subprocess\ndef f():\n    subprocess.run(['git', 'status'])\n", "process.spawn:git"),
    ("python", "import os\ndef f():\n    os.system('ls -l')\n", "process.spawn:ls"),
    (
        "python",
        "import subprocess\ndef f():\n    subprocess.check_output('df -h | wc -l', shell=True)\n",
        "process.spawn:df",
    ),
    ("python", "import os\ndef f():\n    return os.environ['REGION']\n", "env.read:REGION"),
    ("python", "import os\ndef f():\n    return os.getenv('REGION', 'eu')\n", "env.read:REGION"),
    ("python", "from os import environ as e\ndef f():\n    return e.get('A'), e.get('B')\n", "env.read:A env.read:B"),
    (
        "python",
        "import sqlite3\ndef f():\n    return sqlite3.connect('a.db').execute('SELECT 1').fetchall()\n",
        "db.read",
    ),
    (
        "python",
        "import sqlite3\ndef f():\n    c = sqlite3.connect('a.db')\n    c.execute('INSERT INTO t VALUES (1)')\n",
        "db.read db.write",
    ),
    ("python", "import time\ndef f():\n    return time.time()\n", "clock"),
    (
        "python",
        "import tempfile\nfrom pathlib import Path\ndef f():\n    d = tempfile.mkdtemp()\n    Path(d, 'x').write_text('a')\n",
        "",
    ),
    ("javascript", "const fs = require('fs');\nexports.f = () => fs.readFileSync('a', 'utf8');\n", "fs.read"),
    (
        "javascript",
        "import { writeFile } from 'node:fs/promises';\nexport const f = () => writeFile('a', 'b');\n",
        "fs.write",
    ),
    (
        "javascript",
        "export const f = async () => (await fetch('https://f.example/x')).json();\n",
        "net.outbound:f.example",
    ),
    (
        "javascript",
        "const { spawn } = require('child_process');\nexports.f = () => spawn('tar', ['-t']);\n",
        "process.spawn:tar",
    ),
    ("javascript", "export const f = () => process.env.REGION;\n", "env.read:REGION"),
    (
        "typescript",
        "import http from 'node:http';\nexport function f(): void { http.createServer(() => {}).listen(8099); }\n",
        "net.listen:8099",
    ),
]


@pytest.mark.parametrize(("language", "source", "wanted"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_observed_permissions_are_these(language: str, source: str, wanted: str) -> None:
    report = analyze(Submission(tool_name="t", source_code=source, language=language))
    assert [item.permission for item in report.observed] == wanted.split()
    assert all(item.line is not None for item in report.observed)


def severities(source: str, *declared: str) -> dict[str, str]:
    report = analyze(Submission(tool_name="t", source_code=source, permissions=declared))
    return {f.rule: f.severity for f in report.findings if f.category == "permission_mismatch"}


def test_undeclared_is_high_unused_is_low_wildcard_and_none_are_medium() -> None:
    source = "import requests\ndef f():\n    return requests.get('https://a.example/').text\n"
    assert severities(source, "net.outbound:a.example") == {}
    assert severities(source, "network") == {}
    assert severities(source, "net.outbound:b.example") == {"undeclared-permission": "high", "unused-permission": "low"}
    assert severities(source, "net.outbound", "fs.read") == {"unused-permission": "low"}
    assert severities(source, "*") == {"wildcard-permission": "medium"}
    assert severities(source) == {"nothing-declared": "medium"}
    assert severities(source, "net.outbound", "telepathy") == {"unknown-permission": "info"}
