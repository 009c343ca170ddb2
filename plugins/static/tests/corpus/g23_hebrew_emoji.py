GREETINGS = {"he": "שלום עולם", "ar": "مرحبا بالعالم", "fa": "می‌خواهم", "hi": "नमस्ते"}


def greet(language: str) -> str:
    return GREETINGS.get(language, "Hello 👋🏽")
