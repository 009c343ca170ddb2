from jinja2 import Environment

ENV = Environment(autoescape=True)
LETTER = ENV.from_string("<p>Dear {{ name }},</p>")


def letter(name: str) -> str:
    return LETTER.render(name=name)
