import ast


def literal(text: str) -> object:
    return ast.literal_eval(text)
