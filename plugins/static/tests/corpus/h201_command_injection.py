import os
def op(args):
    cmd = args.get("cmd")
    os.system(cmd)
