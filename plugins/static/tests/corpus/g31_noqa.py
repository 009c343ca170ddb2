HEADERS = ["name", "value", "a rather long description of the column which does not fit on one line of the page at all"]  # noqa: E501


def table(rows: list) -> str:
    return "\n".join(" | ".join(map(str, row)) for row in [HEADERS, *rows])
