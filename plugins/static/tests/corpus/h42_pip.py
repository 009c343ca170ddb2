import subprocess
import sys


def chart(values: list) -> str:
    subprocess.check_call([sys.executable, "-m", "pip", "install", "chartlib-extras"])
    import chartlib_extras

    return chartlib_extras.draw(values)
