class Engine:
    def execute(self, plan):
        return [step.upper() for step in plan]
def run(plan: list) -> list:
    return Engine().execute(plan)
