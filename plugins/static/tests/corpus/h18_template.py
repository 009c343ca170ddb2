from jinja2 import Template


def letter(layout: str, name: str) -> str:
    return Template(layout).render(name=name)
