HEADERS = ["name", "value", "a rather long description of the column which does not fit on one line of the page at all"]  # noqa: E501  # one list, one place


def table(rows: list) -> str:
    return "\n".join(" | ".join(map(str, row)) for row in [HEADERS, *rows])
