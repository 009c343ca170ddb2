import os


def convert(source: str, target: str) -> int:
    words = ["convert"]
    words.append(source)
    words.append(target)
    command = " ".join(words)
    return os.system(command)
