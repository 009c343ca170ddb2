class Model:
    def __init__(self, weights):
        self.weights = weights

    def eval(self, features):
        return sum(w * f for w, f in zip(self.weights, features))

    def execute(self, features):
        return self.eval(features)


def score(features: list) -> float:
    return Model([0.2, 0.5, 0.3]).execute(features)
