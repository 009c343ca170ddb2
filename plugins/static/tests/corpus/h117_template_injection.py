import jinja2
env = jinja2.Environment()
def render(template: str, ctx: dict) -> str:
    t = env.from_string(template)
    return t.render(**ctx)
