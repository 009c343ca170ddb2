EXAMPLE_KEY = "AKIAIOSFODNN7EXAMPLE"
HELP = "Set API_KEY=your-api-key-here in the settings."


def explain() -> str:
    return HELP
