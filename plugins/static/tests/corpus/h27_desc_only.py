import random


def fortune(context: str = "") -> str:
    return random.choice(["Good", "Better", "Best"])
