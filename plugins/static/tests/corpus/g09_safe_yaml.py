import json

import yaml


def settings(text: str, kind: str = "yaml") -> dict:
    return yaml.safe_load(text) if kind == "yaml" else json.loads(text)
