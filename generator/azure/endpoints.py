"""What addresses and environment names tell: cloud, tenant, token endpoint.

`spec/azure-and-smtp.md` section 7. The hosts stand in `generator.azure.clouds`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from generator.azure.clouds import LOGIN_HOSTS, Cloud
from generator.azure.clouds import token_endpoint as compose
from generator.azure.interface import CloudSeen, EndpointSeen, Fact, Identifier, IdKind, LoginSeen
from generator.azure.model import Notice, Severity, Sourced
from generator.azure.nodes import Node
from generator.azure.values import guid, shown
from generator.characters import illegal_character
from generator.errors import Fault
from generator.secrets.shapes import embedded_secret

_GOVERNMENT = frozenset({Cloud.GCC_HIGH, Cloud.DOD})
_ENVIRONMENTS: dict[str, frozenset[Cloud]] = {
    "azurecloud": frozenset({Cloud.PUBLIC}),
    "azurepubliccloud": frozenset({Cloud.PUBLIC}),
    "public": frozenset({Cloud.PUBLIC}),
    "global": frozenset({Cloud.PUBLIC}),
    "azureusgovernment": _GOVERNMENT,
    "azureusgovernmentcloud": _GOVERNMENT,
    "usgovernment": _GOVERNMENT,
    "gcc-high": frozenset({Cloud.GCC_HIGH}),
    "usgovernmentl4": frozenset({Cloud.GCC_HIGH}),
    "dod": frozenset({Cloud.DOD}),
    "usgovernmentl5": frozenset({Cloud.DOD}),
    "azurechinacloud": frozenset({Cloud.CHINA}),
    "china": frozenset({Cloud.CHINA}),
}
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
_TENANT = re.compile(r"[A-Za-z0-9.-]{1,253}", re.ASCII)
_TOKEN_PATH = re.compile(r"/([^/]+)/oauth2/(v2\.0/)?token/?")
_NO_TENANT = frozenset({"common", "organizations", "consumers"})


def environment(text: str, node: Node) -> Iterator[Fact]:
    """The clouds that an environment name can mean: az, PowerShell and Terraform names."""
    clouds = _ENVIRONMENTS.get(text.lower())
    if clouds is None:
        yield _unknown_cloud(f"the environment name {shown(text)}", node)
    else:
        yield CloudSeen(Sourced(clouds, node.file, node.path))


def login(text: str, node: Node) -> Iterator[Fact]:
    """What a login endpoint tells, with or without a tenant behind the host."""
    split = _split(text if "://" in text else f"https://{text}")
    if split is None:
        yield _fault("login-form", "is not a login endpoint such as https://host", node)
        return
    host, path = split
    yield from _cloud_of(host, node)
    yield from _tenant(path.strip("/").split("/")[0], node)


def token_endpoint(text: str, node: Node) -> Iterator[Fact]:
    """What a token endpoint tells; one of version 1 is turned into version 2 with a warning."""
    split = _split(text)
    found = _TOKEN_PATH.fullmatch(split[1]) if split else None
    if split is None or found is None or not _TENANT.fullmatch(found[1]):
        yield _fault(
            "token-endpoint-form",
            "is not a token endpoint such as https://host/TENANT/oauth2/v2.0/token",
            node,
        )
        return
    host, tenant = split[0], found[1]
    if tenant.lower() in _NO_TENANT:
        yield _fault(
            "token-endpoint-common",
            f"is the endpoint of /{tenant.lower()}: client credentials need the tenant's own",
            node,
        )
        return
    if found[2] is None:
        yield Notice(
            "token-endpoint-v1",
            Severity.WARNING,
            "is the token endpoint of version 1; version 2 of the same tenant is used instead",
            node.file,
            node.path,
            "give the address that ends in /oauth2/v2.0/token",
            "token_endpoint",
        )
    yield from _cloud_of(host, node)
    yield from _tenant(tenant, node)
    yield EndpointSeen(Sourced(compose(f"https://{host}", tenant), node.file, node.path))


def known_login(text: str) -> bool:
    """Whether an address is on the login host of a known cloud."""
    split = _split(text)
    return split is not None and split[0] in LOGIN_HOSTS


def _split(text: str) -> tuple[str, str] | None:
    """Host and path of an https address that has nothing else; None for anything else."""
    if illegal_character(text) or embedded_secret(text):
        return None
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    host = url.netloc.lower().removesuffix(":443")
    if url.scheme.lower() != "https" or url.query or url.fragment or not _HOST.fullmatch(host):
        return None
    return host, url.path


def _cloud_of(host: str, node: Node) -> Iterator[Fact]:
    clouds = LOGIN_HOSTS.get(host)
    if clouds is None:
        yield _unknown_cloud(f"the login host {shown(host)}", node)
        yield LoginSeen(Sourced(f"https://{host}", node.file, node.path))
    else:
        yield CloudSeen(Sourced(frozenset(clouds), node.file, node.path))


def _tenant(text: str, node: Node) -> Iterator[Fact]:
    tenant = guid(text)
    if tenant is not None:
        yield Identifier(IdKind.TENANT, Sourced(tenant, node.file, node.path))


def _unknown_cloud(what: str, node: Node) -> Notice:
    return Notice(
        "cloud-unknown",
        Severity.WARNING,
        f"{what} belongs to no cloud that is known",
        node.file,
        node.path,
        "set azure.cloud in the environment file, or azure.endpoints for a private one",
        "cloud",
    )


def _fault(code: str, message: str, node: Node) -> Fault:
    return Fault(
        code,
        message,
        file=node.file,
        path=node.path,
        next="copy it from Endpoints on the app registration's overview",
    )
