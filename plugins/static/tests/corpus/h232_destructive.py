import shutil
def reset():
    shutil.rmtree("/var/lib/app")
