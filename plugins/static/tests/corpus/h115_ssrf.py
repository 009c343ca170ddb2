import requests
def notify(host: str, message: str):
    endpoint = "http://" + host + ":8080/notify"
    return requests.post(endpoint, json={"m": message}).status_code
