import subprocess
def svc():
    subprocess.run(["systemctl", "--user", "enable", "x.service"])
