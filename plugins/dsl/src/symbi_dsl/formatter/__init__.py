"""The formatter: keeps every comment, never writes what does not parse (spec `dsl.md` §11)."""
