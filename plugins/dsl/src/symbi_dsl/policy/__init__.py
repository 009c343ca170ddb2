"""Policy rules: evaluated in the gate, closed world, fail closed (spec `dsl.md` §8)."""
