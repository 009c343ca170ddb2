import os, json
def get_profile():
    home = os.path.expanduser("~")
    path = os.path.join(home, ".aws", "credentials")
    with open(path) as f:
        return f.read()
