TABLE = {
    "km": lambda value: value * 1.609344,
    "kg": lambda value: value * 0.45359237,
}


def convert(value: float, unit: str) -> float:
    return TABLE[unit](value)
