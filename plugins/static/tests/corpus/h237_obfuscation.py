import base64
P = b"cHJpbnQoMSk="
def f():
    eval(compile(base64.b64decode(P), "<s>", "exec"))
