"""`sn-smtp secret status`: when the client secret ends, and whether that is too soon."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from generator.cli import instance_call
from generator.cli.call_options import CallOptions, instance_command
from generator.cli.call_secrets import fetcher, open_directory
from generator.cli.instance_call import opened
from generator.cli.mail_options import entra_options, graph_option
from generator.cli.output import Outcome, Session

if TYPE_CHECKING:
    from generator.azure.graph import Application
    from generator.config.environment import Environment
    from generator.instance.rotation_journal import Rotation
    from generator.instance.secret_life import SecretLife

_ASKS_PEOPLE = ("prompt",)
"""Sources that a call which may run every day does not use."""


@click.command(
    epilog="Exit codes: 0 it lives long enough; 1 who was asked did not clearly answer; 2 usage or "
    "configuration; 6 it has ended or ends within --fail-within days, or nobody knows when.",
)
@click.option(
    "--from",
    "asked",
    type=click.Choice(["environment", "instance", "graph"]),
    multiple=True,
    help="Whom to ask: the environment's files (always), the app on the instance, Microsoft Graph; "
    "may be repeated. Graph counts most, then the instance.",
)
@click.option(
    "--fail-within",
    type=click.IntRange(min=0, max=3650),
    default=14,
    show_default=True,
    metavar="DAYS",
    help="Exit 6 from this many days before the end on; 0: once it has ended.",
)
@graph_option
@entra_options
@instance_command
def status(
    session: Session,
    given: CallOptions,
    *,
    asked: tuple[str, ...],
    fail_within: int,
    graph: str | None,
) -> Outcome:
    """Say when the client secret of ENV ends, and fail if that is too soon.

    Safe to run every day: nothing is changed. The secret itself is fetched only where nothing else
    tells which one of several at Azure it is.
    """
    from generator.cli.environments import load
    from generator.clock import read_clock
    from generator.instance.rotation_journal import open_rotations
    from generator.instance.secret_life import (
        Source,
        Told,
        graph_tells,
        instance_tells,
        judge_life,
    )

    clock = instance_call.make_clock()
    (found,) = load(given.root, (given.environment,), every=False, now=read_clock(os.environ))
    told = [Told(Source.ENVIRONMENT, found.azure.secret_expires_on, "azure.secret_expires_on")]
    where = (given.instance_url or found.instance_url).rstrip("/")
    rotations = open_rotations(found.directory, clock=clock, instance=where)
    application, in_use = None, ""
    if "instance" in asked:
        with opened(session, given.call()) as run:
            told.append(instance_tells(run))
    if "graph" in asked:
        directory = open_directory(found, graph=graph, entra=given.entra, mail_ca=given.mail_ca)
        application = directory.application()
        tells, credential = graph_tells(
            application,
            environment=found,
            remembered=rotations.in_use,
            fetch=None if found.azure.client_secret_from in _ASKS_PEOPLE else fetcher(found),
            now=clock.now(),
        )
        told.append(tells)
        in_use = "" if credential is None else credential.key_id
    life = judge_life(told, environment=found, now=clock.now(), fail_within=fail_within)
    last = rotations.last
    rotation = last if last is not None and last.is_open else None
    return Outcome(
        result=_result(found, life, application, in_use=in_use, rotation=rotation),
        text=_text(found, life, application, in_use=in_use, rotation=rotation),
        exit_code=life.exit_code,
        faults=life.faults,
    )


def _result(
    environment: Environment,
    life: SecretLife,
    application: Application | None,
    *,
    in_use: str,
    rotation: Rotation | None,
) -> dict[str, object]:
    passwords = () if application is None else application.passwords
    return {
        "environment": environment.name,
        "ends_on": None if life.ends is None else life.ends.isoformat(),
        "ends_from": None if life.ends_from is None else life.ends_from.value,
        "days_left": life.days_left,
        "mark": life.mark,
        "fail_within": life.fail_within,
        "told": [
            {
                "source": one.source.value,
                "where": one.where,
                "ends_on": None if one.ends is None else one.ends.isoformat(),
            }
            for one in life.told
        ],
        "secrets": [
            {
                "key_id": one.key_id,
                "display_name": one.display_name,
                "starts_on": None if one.starts is None else one.starts.isoformat(),
                "ends_on": None if one.ends is None else one.ends.isoformat(),
                "in_use": one.key_id == in_use,
            }
            for one in passwords
        ],
        "rotation": None
        if rotation is None
        else {
            "name": rotation.name,
            "stage": rotation.mark.value,
            "old_key_id": rotation.fact("old_key_id"),
            "new_key_id": rotation.fact("new_key_id"),
            "verified_at": "" if rotation.verified_at is None else rotation.verified_at.isoformat(),
        },
        "notes": list(life.notes),
    }


def _text(
    environment: Environment,
    life: SecretLife,
    application: Application | None,
    *,
    in_use: str,
    rotation: Rotation | None,
) -> str:
    from generator.instance.next_step import call
    from generator.instance.secret_life import shown

    if life.ends is None or life.ends_from is None or life.days_left is None:
        lines = [f"{environment.name}: nobody knows when the client secret ends"]
    else:
        ended = life.days_left < 0
        left = f"{-life.days_left} days ago" if ended else f"{life.days_left} days left"
        lines = [
            f"{environment.name}: the client secret {'ended' if ended else 'ends'} "
            f"{shown(life.ends)}, {left} ({life.ends_from.value})"
        ]
    for one in life.told:
        says = "no date" if one.ends is None else shown(one.ends)
        lines.append(f"  {one.source.value}: {says} ({one.where})")
    for held in () if application is None else application.passwords:
        until = "without an end" if held.ends is None else f"until {shown(held.ends)}"
        used = ", in use" if held.key_id == in_use else ""
        lines.append(f"  at Azure: {held.key_id} {held.display_name} {until}{used}")
    if rotation is not None:
        verified = rotation.verified_at is not None
        option = ("--finish",) if verified else ()
        lines.append(
            f"  rotation {rotation.name} is "
            f"{'delivered and proven' if verified else f'interrupted ({rotation.mark.value})'}: "
            f"{call(environment, 'secret rotate', *option)}"
        )
    lines += [f"  note: {note}" for note in life.notes]
    return "\n".join(lines)
