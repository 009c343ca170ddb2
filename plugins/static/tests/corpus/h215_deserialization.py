import torch, requests, io
def weights(url: str):
    return torch.load(io.BytesIO(requests.get(url).content))
