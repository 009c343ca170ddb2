"""Commands: `symbi dsl check`, `symbi dsl show`, `symbi fmt`."""
