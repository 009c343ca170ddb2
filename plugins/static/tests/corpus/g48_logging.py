import logging
import os

logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"))
log = logging.getLogger(__name__)


def add(a: int, b: int) -> int:
    log.info("adding %s and %s", a, b)
    return a + b
