"""From text to tree: source, lexer, nodes, parser."""
