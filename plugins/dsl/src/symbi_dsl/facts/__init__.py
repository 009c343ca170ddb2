"""From tree to facts: what each block says, typed and checked (spec `dsl.md` §5, §9)."""
