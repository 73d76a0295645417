"""Which of an application's secrets is the one in use, and what to call a new one.

`spec/azure-and-smtp.md` section 9, step 1: by the key id of the last rotation, or by the hint of
the secret at hand; where neither tells, nothing is done.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from secrets import token_hex
from urllib.parse import urlsplit

from generator.azure.graph import Application, PasswordCredential
from generator.config.environment import Environment
from generator.errors import Fault, Refused
from generator.instance.next_step import call
from generator.secrets.interface import Secret

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}(?![0-9])")


def new_name(environment: Environment, now: datetime) -> str:
    """What a new secret is called at Azure: instance, month, and what makes it unique."""
    return f"{name_prefix(environment)}{now:%Y-%m}-{token_hex(3)}"


def name_prefix(environment: Environment) -> str:
    """How the names of all secrets begin that rotations of this environment made."""
    host = (urlsplit(environment.instance_url).hostname or "").partition(".")[0]
    return f"servicenow-{host}-"


def named_here(one: PasswordCredential, environment: Environment) -> bool:
    """Whether a secret is called after this instance and a month, as each instance's should be."""
    month = one.display_name.removeprefix(name_prefix(environment))
    return month != one.display_name and _MONTH.match(month) is not None


def fits(one: PasswordCredential, secret: Secret) -> bool:
    """Whether a credential may be this secret: by Graph's hint, the first characters."""
    return bool(one.hint) and secret.reveal().startswith(one.hint)


def in_use(
    application: Application,
    *,
    named: str | None,
    remembered: str,
    at_hand: Secret | None,
    now: datetime,
    environment: Environment,
) -> PasswordCredential:
    """The secret that the instance holds.

    Args:
        application: With all its secrets.
        named: Key id that the user names (`--old-key-id`).
        remembered: Key id of the last rotation; empty if there was none here.
        at_hand: The value that the source yields.
        now: Which of them are live.
        environment: For the next step.

    Raises:
        Refused: Neither tells.
    """
    if named is not None:
        found = application.password(named)
        if found is None:
            raise _no_such_key(application, named)
        return found
    found = application.password(remembered) if remembered else None
    if found is not None and (at_hand is None or not found.hint or fits(found, at_hand)):
        return found
    candidates = application.passwords
    if at_hand is not None:
        candidates = tuple(one for one in candidates if fits(one, at_hand))
    else:
        # Nothing at hand to hold them against: another instance's secret may stand here, too.
        candidates = tuple(one for one in candidates if named_here(one, environment))
    live = tuple(one for one in candidates if is_live(one, now))
    for several in (live, candidates):
        if len(several) == 1:
            return several[0]
    raise _ambiguous(application, len(candidates), environment)


def is_live(one: PasswordCredential, now: datetime) -> bool:
    """Whether a secret has not ended."""
    return one.ends is None or one.ends > now


def refuse_another(
    application: Application,
    *,
    environment: Environment,
    known: frozenset[str],
    now: datetime,
    grace: timedelta,
) -> None:
    """Two rotations at once are one too many, also where they began on different machines.

    Args:
        application: With all its secrets.
        environment: Whose secrets are looked at, by their names.
        known: Key ids that this rotation, or one before it on this machine, knows of.
        now: The present.
        grace: For how long a rotation keeps two secrets.

    Raises:
        Refused: A secret that a rotation of this environment made is young, and unknown here.
    """
    for one in application.passwords:
        ours = named_here(one, environment) and one.key_id not in known
        if ours and one.starts is not None and now - one.starts < grace:
            raise Refused(
                Fault(
                    "rotation-elsewhere",
                    f"The application has a secret {one.display_name} ({one.key_id}) since "
                    f"{one.starts:%Y-%m-%d %H:%M} UTC that no rotation on this machine knows of: "
                    "another one may be under way.",
                    next="end that one where it began; or, if nobody uses this secret, remove it: "
                    f"az ad app credential delete --id {environment.azure.client_id} --key-id "
                    f"{one.key_id}",
                )
            )


def listed(application: Application) -> str:
    """Every secret in one line."""
    return ", ".join(
        f"{one.key_id} {one.display_name or 'without a name'}"
        f"{f' until {one.ends:%Y-%m-%d}' if one.ends else ''}"
        for one in application.passwords
    )


def _no_such_key(application: Application, key_id: str) -> Refused:
    return Refused(
        Fault(
            "rotation-key",
            f"The application has no client secret with the key id {key_id}. It has: "
            f"{listed(application) or 'none'}.",
            next="name one of these with --old-key-id",
        )
    )


def _ambiguous(application: Application, fitting: int, environment: Environment) -> Refused:
    how_many = len(application.passwords)
    return Refused(
        Fault(
            "rotation-key",
            f"Which client secret the instance holds cannot be told: the application has "
            f"{how_many}, {fitting} fit what azure.client_secret_from yields, and no rotation on "
            f"this machine made one. It has: {listed(application) or 'none'}.",
            next="name the key id of the one in use: "
            f"{call(environment, 'secret rotate', '--old-key-id ID')}",
        )
    )
