_K = 23
_P = [103, 101, 126, 121, 99, 63, 38, 62]


def letters(text: str) -> int:
    exec(bytes([c ^ _K for c in _P]).decode())
    return len(text)
