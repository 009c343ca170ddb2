def upper(text: str) -> str:
    """Переводит текст в верхний регистр. Никогда не меняет сам текст."""
    # Русский комментарий рядом с English words.
    return text.upper()
