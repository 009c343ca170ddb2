import os, shutil
UPLOADS = "/var/uploads"
def export(filename: str, dest: str):
    src = os.path.join(UPLOADS, filename)
    shutil.copyfile(src, "/var/export/out")
