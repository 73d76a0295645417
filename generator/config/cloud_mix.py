"""Endpoints of one cloud only: what the known ones belong to, wherever they are written.

A token of one cloud is worth nothing at the mail server of another; it would only show at
AUTH. Endpoints of no known cloud go with any (`spec/azure-and-smtp.md` section 7).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from generator.azure.clouds import ENDPOINTS, LOGIN_HOSTS, SCOPES, SMTP_HOSTS, Cloud
from generator.azure.model import AzureOutputs
from generator.config.keys import AzureKeys
from generator.config.tree import Location, Section, dotted, find
from generator.errors import Fault

_CLOUD: Final = ("azure", "cloud")


@dataclass(frozen=True, slots=True)
class _Statement:
    """One place that tells the cloud."""

    location: Location
    """The key that tells it."""

    where: str
    """The place, as a message names it."""

    clouds: frozenset[Cloud]
    """Those that it can mean."""

    shown: str = ""
    """The endpoint; empty where the cloud itself is named."""

    def __str__(self) -> str:
        names = " or ".join(cloud.value for cloud in Cloud if cloud in self.clouds)
        return f"{self.where} {f'({self.shown}) ' if self.shown else ''}is of {names}"


def same_login(one: str, other: str) -> bool:
    """Whether two login endpoints (`https://host`) are one, or of the same cloud."""
    if one.lower() == other.lower():
        return True
    clouds = LOGIN_HOSTS.get(_host(one))
    return clouds is not None and clouds == LOGIN_HOSTS.get(_host(other))


def mixed_clouds(
    keys: AzureKeys,
    outputs: AzureOutputs,
    tree: Section,
    *,
    smtp_server: str | None,
    file: str,
) -> Iterator[Fault]:
    """Refuse known endpoints of different clouds; one fault that names all places.

    Args:
        keys: The Azure section.
        outputs: What Azure's files say.
        tree: The merged files, for the places.
        smtp_server: `email_account.server`, where written.
        file: The environment's own file, where nothing is written.
    """
    written = tuple(_written(keys, smtp_server, tree))
    own = keys.endpoints
    replaced = bool(own.login and own.scope and (own.smtp or smtp_server))
    statements = (*_base(keys, outputs, tree, replaced=replaced), *written)
    for index, statement in enumerate(statements):
        if any(statement.clouds.isdisjoint(other.clouds) for other in statements[:index]):
            found = find(tree, statement.location)
            yield Fault(
                "mixed-clouds",
                f"belongs to another cloud than the rest: {'; '.join(map(str, statements))}.",
                file=found[0].file if found else file,
                line=found[0].line if found else None,
                path=dotted(statement.location),
                next=_together(statements),
            )
            return


def _base(
    keys: AzureKeys, outputs: AzureOutputs, tree: Section, *, replaced: bool
) -> Iterator[_Statement]:
    """The cloud whose endpoints hold where none is written; `replaced`: all are written."""
    told = outputs.cloud or outputs.possible_clouds
    if keys.cloud is not None:
        yield _Statement(_CLOUD, _where(_CLOUD, tree), frozenset({keys.cloud}))
    elif told is not None:
        clouds = told.value if isinstance(told.value, frozenset) else frozenset({told.value})
        yield _Statement(_CLOUD, f"{told.file} at {told.path}", clouds)
    elif not replaced:
        where = "azure.cloud, which is not written,"
        yield _Statement(_CLOUD, where, frozenset({Cloud.PUBLIC}))


def _written(keys: AzureKeys, smtp_server: str | None, tree: Section) -> Iterator[_Statement]:
    """The known endpoints that the files name."""
    own = keys.endpoints
    endpoints = ("azure", "endpoints")
    for location, value, known in (
        ((*endpoints, "login"), own.login, LOGIN_HOSTS.get(_host(own.login or ""))),
        ((*endpoints, "scope"), own.scope, SCOPES.get((own.scope or "").lower())),
        ((*endpoints, "smtp"), own.smtp, SMTP_HOSTS.get((own.smtp or "").lower())),
        (
            ("email_account", "server"),
            smtp_server,
            SMTP_HOSTS.get((smtp_server or "").lower()),
        ),
    ):
        if value is not None and known is not None:
            yield _Statement(location, _where(location, tree), frozenset(known), value)


def _host(login: str) -> str:
    return login.lower().removeprefix("https://")


def _where(location: Location, tree: Section) -> str:
    found = find(tree, location)
    return dotted(location) + (f" in {found[0].file}:{found[0].line}" if found else "")


def _together(statements: Collection[_Statement]) -> str:
    meant = [cloud for cloud in Cloud if any(cloud in statement.clouds for statement in statements)]
    sets = "; ".join(
        f"{cloud.value}: {known.login}, {known.scope}, {known.smtp}"
        for cloud in meant
        if (known := ENDPOINTS[cloud])
    )
    return (
        "write azure.cloud and leave the cloud's own endpoints (azure.endpoints, "
        f"email_account.server) out; what goes together is {sets}"
    )
