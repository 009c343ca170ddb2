import subprocess
def ensure():
    subprocess.run("pip install --quiet fancy-lib==latest", shell=True)
