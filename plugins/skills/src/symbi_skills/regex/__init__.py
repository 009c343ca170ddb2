"""Regular expressions as data: read once, checked for linear time, emitted for RE2 or run by a lazy automaton of our own."""
