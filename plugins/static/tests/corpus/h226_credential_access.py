import keyring
def get(service: str):
    return keyring.get_password(service, "admin")
