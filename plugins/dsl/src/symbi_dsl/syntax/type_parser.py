"""Types, parameters and fields (spec `dsl.md` §4, §6)."""

from __future__ import annotations

from symbi_dsl.syntax.expression_parser import ExpressionParser
from symbi_dsl.syntax.hints import quoted
from symbi_dsl.syntax.items import Param, TypeRef

__all__ = ["TypeParser"]


class TypeParser(ExpressionParser):
    """Adds types to expressions."""

    def type(self) -> TypeRef:
        """Parse `Name` or `Name<T, …>`."""
        start = self.start[self.pos]
        name = self.name("a type")
        args: list[TypeRef] = []
        height = 0
        if self.kind[self.pos] == "<":
            opener = self.pos
            self.pos += 1
            self.enter()
            while True:
                args.append(self.type())
                height = max(height, self.height)
                if not self.accept(","):
                    break
            self._split_closer()
            self.close(opener, ">")
            self.depth -= 1
        self.grow(height + 1)
        return TypeRef(name, args, start, self.last_end())

    def _split_closer(self) -> None:
        """`list<int>= 1` has the closing bracket and the equals sign in one token."""
        if self.kind[self.pos] == ">=":
            at = self.pos
            middle = self.start[at] + 1
            self.kind[at : at + 1] = [">", "="]
            self.text[at : at + 1] = [">", "="]
            self.start[at : at + 1] = [self.start[at], middle]
            self.end[at : at + 1] = [middle, middle + 1]
            self.newline[at : at + 1] = [self.newline[at], False]

    def params(self) -> list[Param]:
        """Parse `( name: type = default … )`."""
        opener = self.pos
        self.pos += 1
        return self._param_list(opener, ")", default=True)

    def param_block(self) -> list[Param]:
        """Parse `{ name: type = default … }`, the inputs or outputs of a behaviour."""
        opener = self.expect("{", "'{'")
        return self._param_list(opener, "}", default=True)

    def fields(self) -> list[Param]:
        """Parse `{ name: type … }`."""
        opener = self.expect("{", "'{'")
        return self._param_list(opener, "}", default=False)

    def _param_list(self, opener: int, closer: str, *, default: bool) -> list[Param]:
        found: list[Param] = []
        seen: set[str] = set()
        self.enter()
        while self.kind[self.pos] != closer:
            if self.kind[self.pos] != "id":
                self.unclosed(opener, closer)
            at = self.pos
            name = self.name("a name")
            if name in seen:
                what = "parameter" if default else "field"
                self.problems.add("E402", f"{what} {quoted(name)} is given twice", self.start[at], self.end[at])
            seen.add(name)
            self.expect(":", f"':' and a type after {quoted(name)}")
            kind = self.type()
            value = None
            if default and self.accept("="):
                value = self.inner_expression()
            found.append(Param(name, kind, value, self.start[at], self.last_end()))
            if not self.accept(",") and closer == "}":
                self.accept(";")
            self._bound(len(found))
        self.pos += 1
        self.depth -= 1
        return found
