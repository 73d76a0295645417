"""The change gate: whether a change request opens production now (A5, Change gate)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from generator.instance.interface import Found, Read
from generator.instance.run import Faults

_FIELDS = (
    "sys_id",
    "number",
    "type",
    "state",
    "approval",
    "on_hold",
    "start_date",
    "end_date",
    "conflict_status",
    "cmdb_ci",
    "short_description",
)
_REFUSED = (None, "rejected", "cancelled")
"""An approval that does not read, or was refused; no exception makes it pass."""

_STAMP = "%Y-%m-%d %H:%M:%S"


def change_read(number: str) -> Read:
    """The change request of a number; two rows would be one too many."""
    return Read("change_request", f"number={number}", _FIELDS, limit=2)


def judge_change(
    found: Found,
    *,
    number: str,
    states: Sequence[str],
    unapproved: Collection[str] = (),
    now: datetime,
    faults: Faults,
) -> None:
    """Pass only a change that is approved, being implemented, not on hold, and in its window.

    Whether the `approval` of an approved standard change reads `approved` is not known (A5, C19),
    so that a type of change can be excepted; one that was rejected never passes.

    Args:
        found: What came of `change_read`.
        number: The number that was asked for.
        states: Stored states that pass (`instance.change_states`); models since Quebec may use
            others than the default -1, Implement.
        unapproved: Types (`type`) whose approval need not read approved
            (`instance.change_gate.approval`).
        now: The instance's time.
        faults: Takes every reason why not.
    """
    if found.error is not None:
        faults.take(found.error)
        return
    rows = [row for row in found.rows if row.get("number") == number]
    if len(rows) != 1 or found.total > 1:
        faults.refuse(
            "change-not-found",
            f"There is not exactly one change request {number} that this user can read.",
            next="check the number, and that the user has sn_change_read or itil",
        )
        return
    (row,) = rows
    reasons: list[str] = []
    if row.get("state") not in states:
        reasons.append(f"its state is {row.get('state')!r}, not {' or '.join(states)}")
    kind, approval = row.get("type", ""), row.get("approval")
    if approval != "approved" and (kind not in unapproved or approval in _REFUSED):
        reasons.append(f"its approval is {approval!r}, not approved (its type is {kind!r})")
    if row.get("on_hold") != "false":
        reasons.append("it is on hold, or does not say")
    if row.get("conflict_status") == "Conflict":
        reasons.append("it conflicts with another change")
    reasons += _window(row.get("start_date", ""), row.get("end_date", ""), now)
    if reasons:
        faults.refuse(
            "change-closed",
            f"The change request {number} does not open this instance: {'; '.join(reasons)}.",
            next="bring the change into the state that allows its implementation, then run again",
        )


def _window(start: str, end: str, now: datetime) -> list[str]:
    begins, ends = _moment(start), _moment(end)
    if begins is None or ends is None:
        return ["it has no planned start and end"]
    if not begins <= now <= ends:
        return [f"now ({now.strftime(_STAMP)} UTC) is not within {start} and {end} UTC"]
    return []


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
