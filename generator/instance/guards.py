"""May this be done to this instance? Identity and production (design decision 8; A5).

`glide.installation.production` is the platform's own mark; that it reads over REST on every
instance is not sure, so that the environment file must say it, too. Only the exact value `false`
means sub-production.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from generator.config.environment import Environment
from generator.errors import ExitCode, Fault
from generator.instance.change_gate import change_read, judge_change
from generator.instance.interface import Found, Read
from generator.instance.run import Faults, Permission, Run

NAME = "instance_name"
PRODUCTION = "glide.installation.production"
WAR = "glide.war"


@dataclass(frozen=True, slots=True)
class Identity:
    """What an instance says it is."""

    name: str | None
    """`instance_name`; None where it cannot be read."""

    production: str | None
    """The property's value as it stands; None where it is missing or cannot be read."""

    war: str | None
    """`glide.war`; None where it cannot be read."""


def identity_read(*more: str) -> Read:
    """The properties that say what an instance is, and further ones by name."""
    names = "^OR".join(f"name={name}" for name in (NAME, PRODUCTION, WAR, *more))
    return Read("sys_properties", names, ("sys_id", "name", "value"), limit=50)


def identity_of(found: Found) -> Identity:
    """What the properties say."""
    values = {row.get("name", ""): row.get("value", "") for row in found.rows}
    return Identity(
        name=values.get(NAME) or None,
        production=values.get(PRODUCTION),
        war=values.get(WAR) or None,
    )


def judge_identity(environment: Environment, identity: Identity, faults: Faults) -> None:
    """The instance must be the one that the environment names (A5, Identity)."""
    expected = (urlsplit(environment.instance_url).hostname or "").partition(".")[0]
    if identity.name is None:
        faults.unknown(
            "instance-name-unread",
            f"The instance does not say its name: the property {NAME} is missing or cannot be "
            "read.",
            next="give this user a role that reads sys_properties (admin)",
        )
    elif identity.name.lower() != expected.lower():
        faults.refuse(
            "other-instance",
            f"The instance calls itself {identity.name}; the environment {environment.name} names "
            f"{expected} ({environment.instance_url}).",
            next="correct instance.url, or the address that requests are sent to (--instance)",
        )


def judge_production(
    environment: Environment, identity: Identity, permission: Permission, faults: Faults
) -> bool:
    """Whether a change request must open this instance; everything else is a fault or a pass."""
    said = environment.instance.production
    if said is None:
        faults.add(
            ExitCode.USAGE,
            (
                Fault(
                    "production-unsaid",
                    "is required by everything that writes to an instance: true or false.",
                    file=str(environment.directory / "environment.yaml"),
                    path="instance.production",
                    next="write `production: false` below `instance:` if it is sub-production",
                ),
            ),
        )
        return False
    if said or identity.production == "true":
        return _by_change(environment, identity, permission, faults)
    if identity.production == "false":
        return False
    _by_name(identity, permission, faults)
    return False


def _by_change(
    environment: Environment, identity: Identity, permission: Permission, faults: Faults
) -> bool:
    why = "The environment file says that this instance is production"
    if not environment.instance.production:
        why = f"The property {PRODUCTION} of {identity.name or 'the instance'} is true"
    if not environment.instance.change_gate:
        faults.refuse(
            "production",
            f"{why}; production is changed by hand, or through the change gate.",
            next="import the file by hand under change control; or write instance.change_gate: "
            "true and name an approved change request with --change",
        )
        return False
    if permission.change is None:
        faults.refuse(
            "change-missing",
            f"{why}; only a change request opens it.",
            next="name one that is approved and being implemented: --change CHG...",
        )
        return False
    if not CHANGE_NUMBER.fullmatch(permission.change):
        faults.add(
            ExitCode.USAGE,
            (
                Fault(
                    "change-number",
                    "--change takes the number of a change request: letters, then digits.",
                    next="write it as the change request shows it, like CHG0030001",
                ),
            ),
        )
        return False
    return True


CHANGE_NUMBER = re.compile(r"[A-Z]{2,10}[0-9]{3,20}")
"""What `--change` takes; nothing in it can end a term of a query."""


def _by_name(identity: Identity, permission: Permission, faults: Faults) -> None:
    state = "is missing or cannot be read"
    if identity.production is not None:
        state = f"reads {identity.production[:40]!r}"
    if permission.confirm_instance is None:
        faults.refuse(
            "production-unclear",
            f"The environment file says sub-production, but the property {PRODUCTION} {state}; "
            "only the exact value false means sub-production.",
            next=f"set the property to false on the instance, or confirm its name "
            f"({identity.name or 'unknown'}) with --confirm-instance NAME",
        )
    elif permission.confirm_instance != identity.name:
        faults.refuse(
            "confirmation-differs",
            f"--confirm-instance says {permission.confirm_instance}; the instance calls itself "
            f"{identity.name or 'nothing'}.",
            next="look where you are: nothing was changed",
        )


def guard_reads(permission: Permission) -> dict[str, Read]:
    """What `judge` wants to know."""
    reads = {"identity": identity_read()}
    if permission.change is not None and CHANGE_NUMBER.fullmatch(permission.change):
        reads["change"] = change_read(permission.change)
    return reads


def judge(run: Run, found: Mapping[str, Found], faults: Faults) -> Identity:
    """Whether this call may change this instance at all: identity, production, change."""
    identity = identity_of(found["identity"])
    run.report.instance_name = identity.name or ""
    judge_identity(run.environment, identity, faults)
    if run.options.dry_run and run.environment.instance.production is None:
        return identity
    permission = run.options.permission
    if judge_production(run.environment, identity, permission, faults) and permission.change:
        judge_change(
            found.get("change", Found()),
            number=permission.change,
            states=run.environment.instance.change_states,
            unapproved=run.environment.instance.change_types_unapproved,
            now=run.now(),
            faults=faults,
        )
    return identity
