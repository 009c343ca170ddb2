def spin(n: int) -> int:
    x = 0
    while True:
        x += n
    return x
