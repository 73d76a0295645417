"""`sn-smtp secret rotate`: a new client secret, delivered and proven while the old one works."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from generator.cli.call_options import CallOptions, guard_options, instance_command
from generator.cli.call_secrets import open_directory, source_of
from generator.cli.instance_call import outcome
from generator.cli.mail_options import entra_options, graph_option
from generator.cli.output import Outcome, Session
from generator.errors import Fault, UsageError

if TYPE_CHECKING:
    from generator.azure.graph import Graph
    from generator.instance.rotation_model import Rotating, Wishes
    from generator.instance.run import Run


@click.command(
    epilog="Exit codes: 0 delivered and proven, or with --finish the old one removed; 1 something "
    "did not clearly answer, or putting back could not be proven: run it again; 2 usage or "
    "configuration; 6 the new secret could not be proven, and what was done about it is said; 7 a "
    "guard said no, it is too early, or the sources disagree.",
)
@click.option(
    "--finish",
    is_flag=True,
    help="Remove the old secret from the application, after the grace time and a fresh token.",
)
@click.option("--undo", is_flag=True, help="Put back what an unfinished rotation has changed.")
@click.option(
    "--new-secret-from",
    metavar="SOURCE",
    help="Source of a new secret that you made (env:NAME, file:PATH ...); by default Microsoft "
    "Graph makes one, and the vault of azure.client_secret_from keeps it.",
)
@click.option(
    "--old-secret-from",
    metavar="SOURCE",
    help="Source of the secret of before, to put it back if the new one fails.",
)
@click.option(
    "--old-key-id",
    metavar="ID",
    help="Key id of the secret in use (with --finish: of the one to remove), where it cannot be "
    "told.",
)
@click.option(
    "--expires-on",
    metavar="DATE",
    help="When the secret of --new-secret-from ends; by default azure.secret_expires_on.",
)
@click.option(
    "--lifetime",
    type=click.IntRange(min=1, max=730),
    default=180,
    show_default=True,
    metavar="DAYS",
    help="How long a secret lives that Microsoft Graph makes.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0, max=8760),
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="How long both secrets stay before --finish removes the old one.",
)
@guard_options
@graph_option
@entra_options
@instance_command
def rotate(
    session: Session,
    given: CallOptions,
    *,
    finish: bool,
    undo: bool,
    new_secret_from: str | None,
    old_secret_from: str | None,
    old_key_id: str | None,
    expires_on: str | None,
    lifetime: int,
    grace: float,
    graph: str | None,
) -> Outcome:
    """Give the instance of ENV a new client secret while the old one still works.

    The new one is proven at Microsoft Entra ID, delivered with its date, and proven through the
    instance; if that fails, the old one is put back where it can be had. Run it again to go on with
    what was interrupted. The old secret stays until rotate --finish.
    """
    from generator.cli.report_text import report_text
    from generator.instance.rotation import rotate as rotate_secret
    from generator.instance.rotation import undo_rotation
    from generator.instance.rotation_finish import finish_rotation
    from generator.instance.rotation_model import Wishes

    if finish and undo:
        raise _usage("--finish removes the old secret, --undo puts it back: choose one of them.")
    if new_secret_from and (finish or undo):
        raise _usage("--new-secret-from begins a rotation; it stands alone.")
    if expires_on and not new_secret_from:
        raise _usage("--expires-on is about the secret of --new-secret-from.")
    wishes = Wishes(
        grace=timedelta(hours=grace),
        lifetime=timedelta(days=lifetime),
        old_key_id=_key_id(old_key_id),
        ends=_moment(expires_on),
    )
    sources = (new_secret_from, old_secret_from)
    open_graph = partial(open_directory, graph=graph, entra=given.entra, mail_ca=given.mail_ca)
    work = finish_rotation if finish else undo_rotation if undo else rotate_secret
    option = " --finish" if finish else " --undo" if undo else ""
    call = given.call(mode=f"{given.command}{option}")

    def rotating(run: Run) -> None:
        work(_rotating(run, wishes, sources, lambda: open_graph(run.environment)))

    return outcome(session, call, rotating, text=report_text)


def _rotating(
    run: Run,
    wishes: Wishes,
    sources: tuple[str | None, str | None],
    open_graph: Callable[[], Graph],
) -> Rotating:
    from generator.instance.rotation_journal import open_rotations
    from generator.instance.rotation_model import Rotating
    from generator.instance.secret_refusals import no_source

    environment = run.environment
    if environment.azure.client_secret_from is None:
        raise no_source(run)
    new, old = sources
    return Rotating(
        run=run,
        journal=open_rotations(environment.directory, clock=run.clock, instance=run.instance.url),
        source=source_of(
            environment, "azure.client_secret_from", environment.azure.client_secret_from
        ),
        open_graph=open_graph,
        wishes=wishes,
        handed=source_of(environment, "--new-secret-from", new) if new else None,
        kept=source_of(environment, "--old-secret-from", old) if old else None,
    )


def _key_id(text: str | None) -> str | None:
    from generator.azure.values import guid

    if text is None:
        return None
    found = guid(text)
    if found is None:
        # The text is not repeated: it may be the secret's value, which is not its key id.
        raise _usage("--old-key-id takes a key id (a GUID), which the portal calls Secret ID.")
    return found


def _moment(text: str | None) -> datetime | None:
    from generator.config.values import Unacceptable, moment

    if text is None:
        return None
    try:
        return moment(text)
    except Unacceptable as error:
        raise _usage(f"--expires-on {error}") from None


def _usage(message: str) -> UsageError:
    return UsageError(Fault("usage", message, next="see sn-smtp secret rotate --help"))
