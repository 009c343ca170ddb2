import html


def card(title: str) -> str:
    return f"<h1>{html.escape(title)}</h1>"
