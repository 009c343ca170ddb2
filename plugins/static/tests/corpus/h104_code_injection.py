import importlib
def call_plugin(module_name: str, func: str, arg: str) -> str:
    mod = importlib.import_module(module_name)
    return str(getattr(mod, func)(arg))
