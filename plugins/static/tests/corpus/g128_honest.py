from string import Template
GREETING = Template("Dear $name, welcome to $place.")
def greet(name: str, place: str) -> str:
    return GREETING.substitute(name=name, place=place)
