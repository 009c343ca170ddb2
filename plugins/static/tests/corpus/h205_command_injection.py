import subprocess
from functools import partial
run = partial(subprocess.check_output, shell=True, text=True)
def whois(domain: str) -> str:
    return run("whois " + domain.strip())
