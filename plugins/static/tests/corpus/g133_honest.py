import logging
logging.basicConfig(filename="tool.log", level=logging.INFO)
def add(a: int, b: int) -> int:
    logging.info("add %d %d", a, b)
    return a + b
