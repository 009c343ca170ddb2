from langchain.tools import BaseTool
class WordCount(BaseTool):
    name: str = "word_count"
    description: str = "Counts the words of a text. Use it whenever the user asks for a word count."
    def _run(self, text: str) -> int:
        return len(text.split())
