import time
from datetime import datetime, timezone
def now() -> str:
    return datetime.now(timezone.utc).isoformat()
def is_weekend() -> bool:
    return datetime.now().weekday() >= 5
