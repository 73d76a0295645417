"""How long the client secret still lives, by everything that knows it.

Microsoft Graph knows best. The app on the instance has the date of the secret that was delivered,
which a rotation keeps; the environment has what Azure's outputs or the file say. So the first of
these that was asked and has a date counts, and where two disagree, that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from generator.azure.graph import Application, PasswordCredential
from generator.azure.secret_state import WARN_DAYS
from generator.config.environment import Environment
from generator.errors import ExitCode, Fault, Refused
from generator.instance.next_step import call
from generator.instance.rotation_keys import in_use, is_live
from generator.instance.run import Run, answered
from generator.instance.secret_delivery import expiry_name, expiry_read, moment_of, value_of
from generator.secrets.interface import Secret

FAIL_WITHIN = 14
"""Days before the end from which `secret status` fails unless told otherwise: the last of the marks
at which `spec/azure-and-smtp.md` section 9 warns."""

_SAME = timedelta(seconds=1)


class Source(StrEnum):
    """Who tells when the secret ends; the first counts most."""

    GRAPH = "graph"
    INSTANCE = "instance"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Told:
    """What one source tells."""

    source: Source
    ends: datetime | None
    """Aware, UTC; None if it does not know."""

    where: str
    """The place: a file, a property, a key id."""

    is_guess: bool = False
    """Whether it cannot tell which secret is in use; such a date counts least."""


@dataclass(frozen=True, slots=True)
class SecretLife:
    """What is known of the secret's end."""

    told: tuple[Told, ...]
    """In the order in which they count."""

    ends: datetime | None
    ends_from: Source | None
    days_left: int | None
    """Whole days, negative once it has ended; None if nobody knows."""

    mark: int | None
    """The narrowest of the 14, 30 and 60 days that is reached; None before, and if nobody knows."""

    fail_within: int
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]

    @property
    def exit_code(self) -> ExitCode:
        """6 past the threshold, and where nobody knows the end."""
        return ExitCode.VERIFICATION_FAILED if self.faults else ExitCode.OK


def judge_life(
    told: Sequence[Told], *, environment: Environment, now: datetime, fail_within: int = FAIL_WITHIN
) -> SecretLife:
    """Judge what the sources tell.

    Args:
        told: One for each source that was asked.
        environment: For the next step.
        now: Aware.
        fail_within: Days before the end from which that is a failure; 0: once it has ended.
    """
    ordered = tuple(sorted(told, key=_rank))
    known = next((one for one in ordered if one.ends is not None), None)
    if known is None or known.ends is None:
        return SecretLife(
            ordered, None, None, None, None, fail_within, (), (_unknown(environment),)
        )
    left = known.ends - now
    mark = next((days for days in WARN_DAYS if left <= timedelta(days=days)), None)
    notes = [*_differences(ordered, known)]
    if mark is not None and left > timedelta(0):
        notes.append(f"it ends within {mark} days: {call(environment, 'secret rotate')}")
    fails = left <= timedelta(days=fail_within)
    return SecretLife(
        ordered,
        known.ends,
        known.source,
        left // timedelta(days=1),
        mark,
        fail_within,
        tuple(notes),
        (_ending(environment, known.ends, left, fail_within),) if fails else (),
    )


def _rank(one: Told) -> tuple[bool, int]:
    return one.is_guess, list(Source).index(one.source)


def instance_tells(run: Run) -> Told:
    """What the app on the instance holds.

    Raises:
        RemoteError: The instance did not clearly answer.
    """
    run.instance.check_awake()
    name = expiry_name(run)
    found = answered(run.read({"expiry": expiry_read(name)})["expiry"])
    return Told(Source.INSTANCE, moment_of(value_of(found, name)), name)


def graph_tells(
    application: Application,
    *,
    environment: Environment,
    remembered: str,
    fetch: Callable[[], Secret] | None,
    now: datetime,
) -> tuple[Told, PasswordCredential | None]:
    """What Graph lists of the secret in use, and which one that is.

    Args:
        application: With all its secrets.
        environment: Whose outputs may tell a hint.
        remembered: Key id of the last rotation; empty if there was none here.
        fetch: Gets the secret from its source, asked only where nothing else tells; None: never.
        now: Aware.

    Returns:
        What it tells, and the secret in use. Where that cannot be told, None and the earliest end
        of those that live: one of them it is.
    """
    hint = environment.azure.secret_hint

    def find(at_hand: Secret | None) -> PasswordCredential:
        return in_use(
            application,
            named=None,
            remembered=remembered,
            at_hand=at_hand,
            now=now,
            environment=environment,
        )

    # After a rotation here the files may still tell of the secret before.
    tries: list[Callable[[], Secret | None]] = [lambda: None] if remembered or not hint else []
    if hint:
        tries.append(lambda: Secret(hint))
    if fetch is not None:
        tries.append(fetch)
    for get in tries:
        try:
            found = find(get())
        except Refused:
            continue
        return Told(Source.GRAPH, found.ends, f"key id {found.key_id}"), found
    if len(application.passwords) == 1:
        # Whatever the instance holds, no other works; a rotation wants to know more than that.
        (only,) = application.passwords
        return Told(Source.GRAPH, only.ends, f"key id {only.key_id}"), only
    ends = [one.ends for one in application.passwords if one.ends and is_live(one, now)]
    where = f"the earliest of {len(ends)} live secrets: which one is in use cannot be told"
    return Told(Source.GRAPH, min(ends) if ends else None, where, is_guess=True), None


def _differences(told: Sequence[Told], known: Told) -> list[str]:
    found: list[str] = []
    for one in told:
        if one is known or known.ends is None:
            continue
        if one.ends is None:
            found.append(f"{one.source.value} ({one.where}) says no date")
        elif abs(one.ends - known.ends) > _SAME:
            found.append(
                f"{one.source.value} ({one.where}) says {shown(one.ends)}, not "
                f"{shown(known.ends)}: " + _CORRECT[one.source]
            )
    return found


_CORRECT = {
    Source.GRAPH: "look which secret the instance holds",
    Source.INSTANCE: "secret deliver writes the date of the secret in use",
    Source.ENVIRONMENT: "correct azure.secret_expires_on (or renew azure.json), then render",
}


def _ending(environment: Environment, ends: datetime, left: timedelta, within: int) -> Fault:
    ended = left <= timedelta(0)
    return Fault(
        "secret-expired" if ended else "secret-expiring",
        f"The client secret ended {shown(ends)}: mail over this account fails."
        if ended
        else f"The client secret ends {shown(ends)}, within {within} days (--fail-within).",
        path="azure.secret_expires_on",
        next=call(environment, "secret rotate"),
    )


def _unknown(environment: Environment) -> Fault:
    return Fault(
        "secret-end-unknown",
        "Nobody that was asked knows when the client secret ends.",
        file=str(environment.directory / "environment.yaml"),
        path="azure.secret_expires_on",
        next=f"write it there, or ask Azure: {call(environment, 'secret status', '--from graph')}",
    )


def shown(moment: datetime) -> str:
    """A moment for people, UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
