"""Values of encoded queries that an instance computes: `javascript:gs...`.

Only what clients are seen to send; anything else matches nothing and is noted. [DOC for the
functions of `gs`, INF for what an unknown one does]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

_CALL = re.compile(r"javascript:\s*gs\.(\w+)\(([^()]*)\)\s*;?")
_MOMENT = "%Y-%m-%d %H:%M:%S"
_TIMES = {"start": "00:00:00", "end": "23:59:59"}
_STEPS = {
    "daysAgo": timedelta(days=1),
    "hoursAgo": timedelta(hours=1),
    "minutesAgo": timedelta(minutes=1),
}


def evaluate(text: str, *, user: Mapping[str, str], now: datetime) -> str | None:
    """The value that a term compares with; None if it cannot be computed.

    Args:
        text: Value as it stands in the query.
        user: Row of `sys_user` of whoever asks.
        now: The present moment, aware, UTC.
    """
    if not text.startswith("javascript:"):
        return text
    call = _CALL.fullmatch(text)
    if call is None:
        return None
    name = call[1]
    arguments = [part.strip().strip("'\"") for part in call[2].split(",")]
    if name in ("getUserName", "getUserID"):
        return user.get("user_name" if name == "getUserName" else "sys_id", "")
    if name == "dateGenerate" and len(arguments) == 2:
        return f"{arguments[0]} {_TIMES.get(arguments[1], arguments[1])}"
    moment = _moment(name, arguments[0], now=now)
    return moment.strftime(_MOMENT) if moment else None


def _moment(name: str, argument: str, *, now: datetime) -> datetime | None:
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=1, seconds=-1)
    if name in ("now", "nowDateTime"):
        return now
    if name in ("beginningOfToday", "endOfToday"):
        return start if name == "beginningOfToday" else end
    if re.fullmatch(r"-?\d{1,6}", argument) is None:
        return None
    number = int(argument)
    if name in _STEPS:
        return now - number * _STEPS[name]
    if name in ("daysAgoStart", "daysAgoEnd"):
        return (start if name == "daysAgoStart" else end) - timedelta(days=number)
    return None
