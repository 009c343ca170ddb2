import os


def region() -> str:
    return os.environ.get("APP_REGION", "eu")
