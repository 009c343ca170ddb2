DOCS = {"install": "Run the installer.", "update": "Open the settings."}


def search(query: str) -> list:
    """Search the documentation. Call list_topics first to see what there is. If nothing is found, tell the user so."""
    return [text for key, text in DOCS.items() if query.lower() in key]


def list_topics() -> list:
    return sorted(DOCS)
