import jsonpickle
def load_state(state: str):
    return jsonpickle.decode(state)
