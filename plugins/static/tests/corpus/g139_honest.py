import ast
class Evaluator(ast.NodeVisitor):
    def visit_BinOp(self, node):
        left, right = self.visit(node.left), self.visit(node.right)
        return left + right if isinstance(node.op, ast.Add) else left * right
    def visit_Constant(self, node):
        return node.value
    def visit_Expression(self, node):
        return self.visit(node.body)
    def eval(self, text):
        return self.visit(ast.parse(text, mode="eval"))
def calc(expression: str) -> float:
    return Evaluator().eval(expression)
