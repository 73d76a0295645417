"""`sn-smtp azure script`: the Azure side of an environment, as one of five kinds of script."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import FileName, answers, root_option
from generator.cli.output import Outcome, Session
from generator.errors import Fault, UsageError

if TYPE_CHECKING:
    from generator.azure.setup import Setup, Wishes

FORMATS = ("az", "powershell", "terraform", "bicep", "checklist")
"""As `generator.azure.setup_render.Format`, which is loaded only when the command runs."""


@click.command(
    epilog="Exit codes: 0 done; 1 the disk said no; 2 usage or configuration; 7 another file is in "
    "the way: nothing was changed."
)
@click.argument("environment", metavar="ENV")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    required=True,
    help="az: bash for the Azure CLI; powershell: Microsoft Graph and Exchange Online; terraform; "
    "bicep; checklist: for a person with the portal.",
)
@click.option(
    "-o",
    "--output",
    type=FileName(path_type=Path),
    help="Write a file, not stdout; overwrites none but another such script.",
)
@click.option("--force", is_flag=True, help="Overwrite whatever file is there.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@click.option(
    "--app-name",
    metavar="NAME",
    help="Display name of the application. Default: oauth.name and the instance.",
)
@click.option(
    "--group",
    metavar="NAME",
    help="Group that holds the sending mailboxes, for azure.authorization: app_rbac.",
)
@click.option(
    "--secret-days",
    type=click.IntRange(1, 730),
    default=180,
    show_default=True,
    help="Lifetime of the client secret.",
)
@click.option(
    "--secret-to",
    metavar="SOURCE",
    help="Where the client secret goes: keyvault:URL or file:PATH. Default: "
    "azure.client_secret_from if it is one of these, else a file in the home directory.",
)
@click.option(
    "--templates",
    type=FileName(path_type=Path, file_okay=False),
    envvar="SN_SMTP_TEMPLATES",
    show_envvar=True,
    help="Directory whose templates win over the built-in ones.",
)
@root_option
@answers
def script(
    session: Session,
    *,
    environment: str,
    form: str,
    output: Path | None,
    force: bool,
    dry_run: bool,
    app_name: str | None,
    group: str | None,
    secret_days: int,
    secret_to: str | None,
    templates: Path | None,
    root: Path,
) -> Outcome:
    """Write the script that sets the Azure side of ENV up; no secret is in it.

    Everything of ServiceNow's procedure: application, permission, consent, client secret, Exchange.
    The script itself is what signs in; nothing is sent from here. Tenant and client ID may be
    missing from ENV, since the script is what makes the application.
    """
    from generator.azure import setup_render as rendering
    from generator.azure.setup import LONGEST_GROUP, LONGEST_NAME, Wishes
    from generator.azure.setup_file import refuse_foreign, write_script
    from generator.azure.setup_templates import ScriptTemplates

    wishes = Wishes(
        app_name=_name(app_name, "--app-name", longest=LONGEST_NAME),
        group=_name(group, "--group", longest=LONGEST_GROUP),
        secret_days=secret_days,
        secret_to=secret_to,
    )
    setup = _setup(session, root, environment, wishes)
    wanted = rendering.Format(form)
    text = rendering.render_setup(setup, wanted, templates=ScriptTemplates(templates))
    mode = rendering.mode_of(wanted)
    for told in rendering.warnings(setup, wanted):
        session.message(f"warning: {told}", style="yellow")
    if output is not None:
        refuse_foreign(output, force=force)
        if not dry_run:
            write_script(output, text, mode=mode)
    return Outcome(
        result=_json(setup, form, text, output=output, mode=mode, dry_run=dry_run),
        text=text.removesuffix("\n")
        if output is None
        else f"{'would write' if dry_run else 'wrote'} {output}",
    )


def _setup(session: Session, root: Path, environment: str, wishes: Wishes) -> Setup:
    from generator.azure.describe import notice_line
    from generator.azure.model import Severity
    from generator.azure.setup import plan_setup
    from generator.azure.setup_environment import SetupLoader
    from generator.cli.environments import environment_name
    from generator.clock import read_clock
    from generator.integration.integration import logical_names

    now = read_clock(os.environ)
    loader = SetupLoader(root, variables=os.environ, now=now, logical_names=logical_names())
    loaded = loader.load(environment_name(environment))
    for notice in loaded.notices:
        if notice.severity is not Severity.NOTE:
            session.detail(notice_line(notice))
    return plan_setup(loaded, wishes=wishes, now=now)


def _name(value: str | None, option: str, *, longest: int) -> str | None:
    from generator.config.values import Unacceptable, one_line

    if value is None:
        return None
    try:
        return one_line(value, longest=longest)
    except Unacceptable as error:
        step = error.next or "see sn-smtp azure script --help"
        raise UsageError(Fault("usage", f"{option} {error.message}", next=step)) from None


def _json(
    setup: Setup, form: str, text: str, *, output: Path | None, mode: int, dry_run: bool
) -> dict[str, object]:
    secret = setup.secret
    return {
        "environment": setup.environment,
        "format": form,
        "authorization": "app_role" if setup.app_role else "app_rbac",
        "cloud": setup.cloud.value,
        "application": {"name": setup.app_name, "client_id": setup.client_id},
        "secret": {
            "name": secret.name,
            "expires_on": secret.ends_text,
            "key_vault": None if secret.vault is None else secret.vault.name,
        },
        "outputs": setup.outputs_file,
        "dry_run": dry_run,
        "file": None if output is None else str(output),
        "mode": f"{mode:04o}",
        "text": text if output is None else None,
    }
