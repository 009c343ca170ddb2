"""The cron engine: pure functions on integer UTC seconds, no store, no clock, no vendor library.

`parse(text)` reads an expression, `CronRule` joins it with a zone and the daylight-saving rules and answers
`next_after`, `latest` and `count`. Requirements R-CRON and R-TZ of the scheduling specification.
"""

from __future__ import annotations

from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.expression import CronExpression, parse
from symbi_scheduler.cron.rule import CronRule, make_rule
from symbi_scheduler.cron.zones import Zone, load_zone

__all__ = ["CronError", "CronExpression", "CronRule", "Zone", "load_zone", "make_rule", "parse"]
