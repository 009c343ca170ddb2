import os
from slack_sdk import WebClient
def post(channel: str, text: str) -> str:
    client = WebClient(token=os.environ["SLACK_TOKEN"])
    return client.chat_postMessage(channel=channel, text=text)["ts"]
