"""Whether this machine's clock and Microsoft's agree."""

from __future__ import annotations

from generator.mail.interface import Cause, LinkResult, Verdict
from generator.mail.token import Token

LINK = ("clock", "Clocks")
SKEW_SECONDS = 120
"""From here on two clocks differ; `Date` has whole seconds, and answers take time."""


def judge_clock(token: Token) -> LinkResult:
    """Whether this machine's clock and the token endpoint's agree.

    A difference breaks nothing by itself with a client secret; it makes every date here doubtful.

    Args:
        token: With the `Date` of its answer.
    """
    name, title = LINK
    checked = "Date of the token endpoint's answer against this machine's clock"
    if token.server_date is None:
        return LinkResult(name, title, Verdict.SKIPPED, checked, "The answer had no Date.")
    ahead = (token.answered_at - token.server_date).total_seconds()
    if abs(ahead) < SKEW_SECONDS:
        return LinkResult(name, title, Verdict.OK, checked, f"{abs(ahead):.0f} s apart")
    shown = _duration(abs(ahead))
    way = "ahead of" if ahead > 0 else "behind"
    return LinkResult(
        name,
        title,
        Verdict.WARNING,
        checked,
        f"this machine {token.answered_at:%Y-%m-%d %H:%M:%S}, "
        f"Microsoft Entra ID {token.server_date:%Y-%m-%d %H:%M:%S} UTC",
        "clock-skew",
        (
            Cause(
                f"The clock of this machine is {shown} {way} Microsoft's: valid tokens and "
                "certificates look expired or not yet valid here, and expired ones valid.",
                "Set the clock by NTP (timedatectl set-ntp true; w32tm /resync), and check the "
                "time zone.",
            ),
        ),
    )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(seconds / 3600)} hours"
