"""Renders the Azure side of an environment as a script, a template of a tool, or a checklist.

setup = plan_setup(environment, wishes=Wishes(), now=now)
text = render_setup(setup, Format.AZ, templates=ScriptTemplates())
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from generator.azure.clouds import Cloud, token_endpoint
from generator.azure.setup import Setup
from generator.azure.setup_templates import ScriptTemplates
from generator.errors import Fault, UsageError
from generator.instance.next_step import call_in

MADE_BY: Final = "Made by sn-smtp azure script"
"""Stands in the first lines of each script; what bears it may be overwritten by the next one."""

_SIGNATURE_BYTES: Final = 2048


class Format(StrEnum):
    """What the Azure side is written as."""

    AZ = "az"
    """A bash script for the Azure CLI; Exchange's part is a PowerShell script inside."""

    POWERSHELL = "powershell"
    """Microsoft Graph and Exchange Online PowerShell."""

    TERRAFORM = "terraform"
    """HCL for the azuread provider."""

    BICEP = "bicep"
    """Bicep with the Microsoft Graph extension."""

    CHECKLIST = "checklist"
    """Markdown for a person with the portal."""


@dataclass(frozen=True, slots=True)
class _Form:
    template: str
    suffix: str
    executable: bool = False


_FORMS: Final[dict[Format, _Form]] = {
    Format.AZ: _Form("azure/az.sh.j2", ".sh", executable=True),
    Format.POWERSHELL: _Form("azure/powershell.ps1.j2", ".ps1"),
    Format.TERRAFORM: _Form("azure/terraform.tf.j2", ".tf"),
    Format.BICEP: _Form("azure/bicep.bicep.j2", ".bicep"),
    Format.CHECKLIST: _Form("azure/checklist.md.j2", ".md"),
}
_EXCHANGE: Final = "azure/exchange.ps1.j2"


def file_name(setup: Setup, form: Format) -> str:
    """The usual name of a script: `azure-dev.sh`."""
    return f"azure-{setup.environment}{_FORMS[form].suffix}"


def mode_of(form: Format) -> int:
    """Mode of its file."""
    return 0o755 if _FORMS[form].executable else 0o644


def is_ours(opening: bytes) -> bool:
    """Whether a file was made by this command.

    Args:
        opening: Its first bytes, some 2,000 are enough.
    """
    return MADE_BY.encode() in opening[:_SIGNATURE_BYTES]


def render_setup(setup: Setup, form: Format, *, templates: ScriptTemplates) -> str:
    """The script.

    Args:
        setup: What the Azure side is to be.
        form: What it is written as.
        templates: The templates, a user's among them.

    Raises:
        ConfigError: A template of the user's is faulty.
        UsageError: The format cannot do what the environment asks for.
    """
    if form is Format.BICEP and setup.client_id is not None and not setup.app_named:
        raise UsageError(
            Fault(
                "bicep-existing-application",
                "Bicep would register another application: one is there already (client ID "
                f"{setup.client_id}), and the extension finds only what it made itself.",
                path="azure.client_id",
                next="take --format az, powershell or terraform; or leave azure.client_id and "
                "Azure's outputs out, or name the application that Bicep made with --app-name",
            )
        )
    context: dict[str, object] = {
        "s": setup,
        "header": _header(setup, form),
        "plan": _plan(setup, form),
        "exchange_plan": exchange_plan(setup),
        "token_url": token_endpoint(setup.login, "TENANT"),
        "read": f"sn-smtp azure read {setup.outputs_file}",
        "verify": call_in(setup.directory, "verify"),
        "az_script": call_in(setup.directory, "azure script", "--format", "az"),
        "exchange": "",
    }
    if form in (Format.AZ, Format.TERRAFORM, Format.CHECKLIST):
        context["header"] = _header(setup, form, exchange=True)
        context["exchange"] = templates.render(_EXCHANGE, context)
        context["header"] = _header(setup, form)
    return readable(templates.render(_FORMS[form].template, _with_lines(context)))


def _with_lines(context: dict[str, object]) -> dict[str, object]:
    """The Exchange script by its lines: each format indents them its own way."""
    return {**context, "exchange_lines": tuple(str(context["exchange"]).splitlines())}


def _header(setup: Setup, form: Format, *, exchange: bool = False) -> tuple[str, ...]:
    """What a reader is to know first (`spec/azure-and-smtp.md` section 4.1)."""
    sender = f", sends as {setup.from_address}" if setup.sends_as_other else ""
    known = f"client ID {setup.client_id}" if setup.client_id else "registered if it is not there"
    return (
        f"{MADE_BY} {setup.environment} --format {form.value}; make it anew rather than edit it.",
        "It holds no secret.",
        "",
        f"Authorisation model: {setup.model}",
        f"Application:         {setup.app_name} ({known})",
        f"Mailbox:             {setup.mailbox}{sender}",
        f"Cloud and tenant:    {setup.cloud.value}, {setup.tenant_id or 'the one signed in to'}",
        f"Instance:            {setup.redirect_uri}",
        f"Steps of ServiceNow's procedure: {_steps(form, exchange=exchange)}",
    )


def _steps(form: Format, *, exchange: bool) -> str:
    if exchange:
        return "8"
    return {
        Format.AZ: "1 to 7 and 9; step 8 by the Exchange Online script that it writes",
        Format.POWERSHELL: "1 to 9",
        Format.TERRAFORM: "1 to 7 and 9; step 8 by the output exchange_powershell",
        Format.BICEP: "1 to 5 and 9; 6 to 8 by the az script, which finds what this one made",
        Format.CHECKLIST: "1 to 9",
    }[form]


def _plan(setup: Setup, form: Format) -> tuple[str, ...]:
    """What the Entra part of a script will do, said before it does it."""
    secret = setup.secret
    eight = ("8    write the Exchange Online script, and say how to run it",)
    application = (
        f"use the application {setup.client_id}"
        if setup.client_id
        else f"find or register the application {setup.app_name}"
    )
    consent = (
        (
            "4    request the application permission SMTP.SendAsApp of Exchange Online",
            "5    consent to it for the tenant, by an app role assignment",
        )
        if setup.app_role
        else ("4-5  nothing: App RBAC needs no permission; stop if SMTP.SendAsApp was granted",)
    )
    return (
        f"1-3  {application}, with the redirect URL {setup.redirect_uri} and a service principal",
        *consent,
        f"6-7  add the client secret {secret.name}, valid until {secret.ends_day}, and keep the "
        f"others; its value goes to {secret.place}, never to the screen",
        *(eight if form is Format.AZ else ()),
        f"9    write {setup.outputs_file} for sn-smtp azure read; no secret is in it",
    )


def exchange_plan(setup: Setup) -> tuple[str, ...]:
    """What the Exchange part will do."""
    permission = (
        (f"give it FullAccess to {setup.mailbox}",)
        if setup.app_role
        else (
            f"make the group {setup.group} if it is not there, with {setup.mailbox} in it",
            "give it the role Application SMTP.SendAsApp for the members of that group",
        )
    )
    send_as = (f"give it SendAs for {setup.from_address}",) if setup.sends_as_other else ()
    return (
        "register the application's service principal in Exchange Online",
        *permission,
        *send_as,
        f"enable SMTP AUTH on the mailbox {setup.mailbox}",
        f"write what Exchange says to {setup.exchange_file}",
    )


_SOVEREIGN: Final = frozenset({Cloud.GCC_HIGH, Cloud.DOD, Cloud.CHINA})


def warnings(setup: Setup, form: Format) -> tuple[str, ...]:
    """What a person should know before the script runs."""
    told: list[str] = []
    if not setup.app_role and setup.cloud in _SOVEREIGN:
        told.append(
            "App RBAC is listed for the worldwide cloud only; in this one it may not be had "
            "(azure.authorization: app_role is)"
        )
    if form is Format.BICEP and setup.cloud in _SOVEREIGN:
        told.append("the Microsoft Graph extension of Bicep was documented for the public cloud")
    if form is Format.TERRAFORM:
        told.append(
            "Terraform's state will hold the client secret in clear: keep it in a backend that "
            "is encrypted and that few can read"
        )
    if setup.secret.days > 366:
        told.append("the client secret lives longer than the 12 months that Microsoft recommends")
    return tuple(told)


def readable(text: str) -> str:
    """A script without blank lines in a row, as templates leave them."""
    return re.sub(r"\n{3,}", "\n\n", text)
