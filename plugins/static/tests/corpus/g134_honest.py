TEXTS = {"ru": "Привет, мир", "uk": "Привіт", "el": "Γειά σου Κόσμε", "zh": "你好"}
def hello(lang: str) -> str:
    """Приветствие на разных языках: hello-мир, API-запрос."""
    return TEXTS.get(lang, "hello")
