"""The subset of the agent language that `benchmarks.dsl` measures, as a lark LALR(1) grammar with a contextual lexer.

It takes `;`-terminated statements only: newline-terminated statements and words that are keywords only in places can not be said this way.
It builds lark's plain trees, with positions, and nothing more.
"""

from __future__ import annotations

import lark

__all__ = ["parser"]

GRAMMAR = r"""
start: item*
?item: metadata | agent | schedule
metadata: "metadata" "{" pair* "}"
pair: NAME ("="|":") value ","?
?value: STRING | NUMBER | DURATION | SIZE | NAME | array
schedule: "schedule" NAME "{" pair* "}"
agent: "agent" NAME params? returns? "{" agent_item* "}"
params: "(" [param ("," param)*] ")"
param: NAME ":" type
returns: "->" type
type: NAME ["<" type ("," type)* ">"]
?agent_item: capabilities | policy | function | with_block
capabilities: "capabilities" "=" array
policy: "policy" NAME "{" rule* "}"
rule: EFFECT ":" expr ["if" expr]
function: "function" NAME params returns? block
with_block: "with" [pair_in_header ("," pair_in_header)*] block
pair_in_header: NAME "=" value
block: "{" statement* "}"
?statement: let | assign | return_ | if_ | for_ | try_ | expr ";"
let: "let" NAME "=" expr ";"
assign: postfix ("=" | ASSIGN) expr ";"
return_: "return" expr? ";"
if_: "if" expr block ["else" (if_ | block)]
for_: "for" NAME "in" expr block
try_: "try" block "catch" "(" NAME NAME? ")" block
?expr: or_
?or_: and_ | or_ "||" and_
?and_: eq | and_ "&&" eq
?eq: cmp | eq EQ cmp
?cmp: add | cmp CMP add
?add: mul | add ADD mul
?mul: unary | mul MUL unary
?unary: postfix | NOT unary | "-" unary
?postfix: primary | postfix "." NAME -> member | postfix "(" [arg ("," arg)*] ")" -> call | postfix "[" expr "]" -> index
?arg: expr | NAME ":" expr -> named
?primary: STRING | NUMBER | DURATION | SIZE | NAME | array | record | "(" expr ")"
array: "[" [expr ("," expr)*] "]"
record: "{" [field ("," field)*] "}"
field: (NAME|STRING) ":" expr
EFFECT.2: "allow" | "deny" | "require" | "audit"
ASSIGN: "+=" | "-=" | "*=" | "/="
EQ: "==" | "!="
CMP: "<=" | ">=" | "<" | ">"
ADD: "+" | "-"
MUL: "*" | "/" | "%"
NOT: "!"
DURATION.2: /[0-9]+(\.[0-9]+)?(ms|s|m|h|d|w)(?![A-Za-z0-9_])/
SIZE.2: /[0-9]+(\.[0-9]+)?(KB|MB|GB|TB|B)(?![A-Za-z0-9_])/
NUMBER: /[0-9]+(\.[0-9]+)?/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
STRING: /"[^"\\]*(?:\\.[^"\\]*)*"/
COMMENT: /(\/\/|#)[^\n]*/
%ignore /[ \t\r\n]+/
%ignore COMMENT
"""


def parser() -> lark.Lark:
    """Return the LALR parser."""
    return lark.Lark(GRAMMAR, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)
