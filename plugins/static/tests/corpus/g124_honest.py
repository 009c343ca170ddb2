import tomllib
from pathlib import Path
def setting(key: str):
    config = tomllib.loads(Path("config.toml").read_text())
    return config.get(key)
