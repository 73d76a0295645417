"""Options of the commands that talk to Microsoft Entra ID or an SMTP server: stand-ins for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click

from generator.cli.options import FileName

if TYPE_CHECKING:
    from generator.config.environment import Environment
    from generator.mail.network import Network
    from generator.mail.settings import MailSettings

P = ParamSpec("P")


def entra_options(function: Callable[P, None]) -> Callable[P, None]:
    """`--entra` and `--mail-ca`: a stand-in for Microsoft Entra ID on this machine."""
    for option in (
        click.option(
            "--mail-ca",
            type=FileName(path_type=Path, dir_okay=False),
            envvar="SN_SMTP_MAIL_CA",
            show_envvar=True,
            metavar="FILE",
            help="PEM file of the authority by which stand-ins on loopback are believed.",
        ),
        click.option(
            "--entra",
            envvar="SN_SMTP_ENTRA",
            show_envvar=True,
            metavar="URL",
            help="Ask this stand-in for Microsoft Entra ID on loopback instead "
            "(https://localhost:PORT).",
        ),
    ):
        function = option(function)
    return function


def mail_options(function: Callable[P, None]) -> Callable[P, None]:
    """`--entra`, `--smtp` and `--mail-ca`: stand-ins for both servers on this machine."""
    return entra_options(
        click.option(
            "--smtp",
            envvar="SN_SMTP_SMTP",
            show_envvar=True,
            metavar="HOST:PORT",
            help="Use this stand-in for the SMTP server on loopback instead.",
        )(function)
    )


def graph_option(function: Callable[P, None]) -> Callable[P, None]:
    """`--graph`: a stand-in for Microsoft Graph on this machine."""
    return click.option(
        "--graph",
        envvar="SN_SMTP_GRAPH",
        show_envvar=True,
        metavar="URL",
        help="Ask this stand-in for Microsoft Graph on loopback instead (https://localhost:PORT).",
    )(function)


def mail_side(
    environment: Environment, *, entra: str | None, smtp: str | None, mail_ca: Path | None
) -> tuple[MailSettings, Network]:
    """What is asked, and how it is reached.

    Args:
        environment: The environment.
        entra: `--entra`.
        smtp: `--smtp`; None where the command has no such option.
        mail_ca: `--mail-ca`.

    Raises:
        UsageError: A stand-in is not on this machine.
    """
    from generator.cli import instance_call
    from generator.mail.network import Network, proxy_from
    from generator.mail.settings import mail_settings

    settings = mail_settings(environment, entra=entra, smtp=smtp)
    network = Network(
        ca_file=mail_ca,
        proxy=proxy_from(os.environ, host=settings.login_host),
        clock=instance_call.make_clock(),
    )
    return settings, network
