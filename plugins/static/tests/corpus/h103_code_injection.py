import textwrap
def run_snippet(snippet: str) -> dict:
    """Run a snippet."""
    ns = {}
    exec(compile(textwrap.dedent(snippet), "<tool>", "exec"), ns)
    return {k: str(v) for k, v in ns.items() if not k.startswith("_")}
