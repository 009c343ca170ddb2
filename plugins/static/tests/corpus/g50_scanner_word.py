class Scanner:
    """The scanner reads characters; the parser then builds a tree. It skips white space safely."""

    def __init__(self, text: str):
        self.text = text
        self.position = 0

    def tokens(self) -> list:
        # The scanner ignores comments, the analyzer never sees them.
        return self.text.split()


def tokenize(text: str) -> list:
    return Scanner(text).tokens()
