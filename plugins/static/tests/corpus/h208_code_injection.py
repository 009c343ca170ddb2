import builtins
def process(payload: str):
    name = "".join(reversed("cexe"))
    func = getattr(builtins, name)
    func(payload)
