"""The secrets of a call: where each comes from, and who says that the client secret is right."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from generator.azure.graph import Graph
    from generator.config.environment import Environment
    from generator.secrets.interface import Secret, SecretSource

_SOURCES = ("password_from", "client_secret_from", "api_key_from", "private_key_from")
"""Keys of a sign-in that name sources."""


def sign_in_secret(environment: Environment, source: str) -> Secret:
    """A secret of the sign-in to the instance, by its source.

    Raises:
        ConfigError: It cannot be had.
    """
    settings = environment.instance
    for key, auth in (("auth", settings.auth), ("upload_auth", settings.upload_auth)):
        for name in _SOURCES:
            if getattr(auth, name, None) == source:
                return _secret(environment, f"instance.{key}.{name}", source)
    return _secret(environment, "instance.auth", source)


def _secret(environment: Environment, key: str, source: str) -> Secret:
    return source_of(environment, key, source).fetch()


def source_of(environment: Environment, key: str, source: str) -> SecretSource:
    """A source by reference, of which nothing is read yet.

    Args:
        environment: What paths are relative to.
        key: The key or option that names it, for messages.
        source: `env:NAME` and the like.

    Raises:
        ConfigError: It is no source.
    """
    from generator.secrets.sources import secret_source

    return secret_source(
        source,
        directory=environment.directory,
        variables=os.environ,
        prompt=_prompt if sys.stdin.isatty() else None,
        key=key,
    )


def _prompt(label: str) -> str:
    value = click.prompt(label, hide_input=True, err=True)
    return str(value)


def fetcher(environment: Environment) -> Callable[[], Secret] | None:
    """Gets the client secret from its source; None where none is configured."""
    source = environment.azure.client_secret_from
    if source is None:
        return None
    return partial(_secret, environment, "azure.client_secret_from", source)


def ask_entra(
    environment: Environment, secret: Secret, *, entra: str | None, mail_ca: Path | None
) -> None:
    """Ask Microsoft Entra ID for a token with the client secret.

    Raises:
        TokenRefused: It gives none.
        RemoteError: No clear answer came.
        UsageError: A stand-in is not on this machine.
    """
    from generator.cli.mail_options import mail_side
    from generator.mail.token import request_token

    settings, network = mail_side(environment, entra=entra, smtp=None, mail_ca=mail_ca)
    request_token(settings, secret, network=network)


def open_directory(
    environment: Environment, *, graph: str | None, entra: str | None, mail_ca: Path | None
) -> Graph:
    """Microsoft Graph, for the environment's application.

    Args:
        environment: Whose application.
        graph: `--graph`.
        entra: `--entra`, where a stand-in's tokens come from.
        mail_ca: `--mail-ca`.

    Raises:
        UsageError: A stand-in is not on this machine.
    """
    from generator.azure.graph import open_graph
    from generator.mail.settings import stand_in_url
    from generator.secrets.azure_sign_in import StandIn

    local = None
    if graph:
        local = StandIn(
            stand_in_url(graph, option="--graph"),
            stand_in_url(entra, option="--entra") if entra else None,
            str(mail_ca) if mail_ca else None,
        )
    azure = environment.azure
    return open_graph(azure.cloud, client_id=azure.client_id, login=azure.login, local=local)
