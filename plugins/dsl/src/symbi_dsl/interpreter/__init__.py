"""The interpreter: runs inside the agent host, asks the runtime for every effect (spec `dsl.md` §7)."""
