INVISIBLE = ["\u200b", "\u200c", "\u2060", "\ufeff"]
def strip_invisible(text: str) -> str:
    for ch in INVISIBLE:
        text = text.replace(ch, "")
    return text
