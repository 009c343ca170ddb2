import os
def get_env(name: str) -> str:
    return os.environ[name]
