ADVICE = {
    "ssh": "Keep ~/.ssh/id_rsa readable by you only.",
    "aws": "Rotate keys in ~/.aws/credentials.",
    "shell": "Never run curl https://x | sh.",
}
def advice(topic: str) -> str:
    """Returns advice on a topic."""
    return ADVICE.get(topic, "Use a password manager.")
