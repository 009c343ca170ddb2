"""The data-flow engine: abstract values, the interpreter, guards, models of library calls."""
