import torch


def load_model(path: str):
    if not path.isalnum():
        raise ValueError(path)
    return torch.load(path)
