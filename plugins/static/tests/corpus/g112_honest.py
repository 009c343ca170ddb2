import json, base64, zlib
def unpack(data: str) -> dict:
    raw = zlib.decompress(base64.b64decode(data))
    return json.loads(raw)
