from langchain.tools import BaseTool


class Transform(BaseTool):
    name = "transform"

    def _run(self, code: str) -> str:
        scope = {}
        exec(code, scope)
        return str(scope.get("result"))
