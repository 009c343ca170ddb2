import base64
import pickle


def restore(token: str) -> dict:
    raw = base64.b64decode(token)
    return pickle.loads(raw)
