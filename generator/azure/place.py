"""Cloud and token endpoint from what the documents' addresses and names can mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.azure.clouds import ENDPOINTS, Cloud, token_endpoint
from generator.azure.interface import CloudSeen, EndpointSeen, Finding, LoginSeen
from generator.azure.model import Notice, Severity, Sourced
from generator.errors import Fault


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tenant is."""

    cloud: Sourced[Cloud] | None
    possible_clouds: Sourced[frozenset[Cloud]] | None
    """Set where several remain, and `cloud` is None."""

    login: Sourced[str] | None
    """The login endpoint, if a token endpoint or one of no known cloud told it."""

    token_endpoint: Sourced[str] | None
    faults: tuple[Fault, ...]
    notices: tuple[Notice, ...]


def locate(findings: Sequence[Finding], tenant: Sourced[str] | None) -> Place:
    """Narrow the clouds down and derive the token endpoint.

    Args:
        findings: Those about our application.
        tenant: Its tenant, if known.

    Returns:
        The cloud if exactly one remains. The endpoint as given, else on the login host of the
        cloud (public if nothing tells, the given host if it belongs to no known cloud).
    """
    facts = [fact for finding in findings for fact in finding.facts]
    seen = [fact.clouds for fact in facts if isinstance(fact, CloudSeen)]
    endpoints = [fact.url for fact in facts if isinstance(fact, EndpointSeen)]
    logins = [fact.login for fact in facts if isinstance(fact, LoginSeen)]
    faults: list[Fault] = []
    left = frozenset(Cloud)
    for place in seen:
        if left & place.value:
            left &= place.value
        else:
            faults.append(_two_clouds(seen[0], place))
    faults += [
        _two_endpoints(endpoints[0], other)
        for other in endpoints[1:]
        if other.value.lower() != endpoints[0].value.lower()
    ]
    known = seen[-1] if seen else None
    decisive = next((place for place in seen if place.value == left), known)
    cloud = possible = None
    notices: tuple[Notice, ...] = ()
    if decisive is not None and len(left) == 1:
        cloud = Sourced(next(iter(left)), decisive.file, decisive.path)
    elif decisive is not None:
        possible = Sourced(left, decisive.file, decisive.path)
        notices = (_ambiguous(decisive, left),)
    login = logins[0] if logins else None
    if endpoints:
        endpoint: Sourced[str] | None = endpoints[0]
        login = _login_of(endpoints[0])
    elif tenant is None:
        endpoint = None
    else:
        host = _host(left if seen else None, logins)
        endpoint = Sourced(token_endpoint(host, tenant.value), tenant.file, tenant.path)
    return Place(cloud, possible, login, endpoint, tuple(faults), notices)


def _login_of(endpoint: Sourced[str]) -> Sourced[str]:
    return Sourced("/".join(endpoint.value.split("/")[:3]), endpoint.file, endpoint.path)


def _host(clouds: frozenset[Cloud] | None, logins: Sequence[Sourced[str]]) -> str:
    """The login host; clouds that cannot be told apart share one."""
    if clouds is not None:
        return ENDPOINTS[min(clouds)].login
    return logins[0].value if logins else ENDPOINTS[Cloud.PUBLIC].login


def _two_clouds(first: Sourced[frozenset[Cloud]], other: Sourced[frozenset[Cloud]]) -> Fault:
    return Fault(
        "conflicting-cloud",
        f"tells the cloud {_names(other.value)}, but {first.file} at {first.path} tells "
        f"{_names(first.value)}",
        file=other.file,
        path=other.path,
        next="hand over the outputs of one tenant only",
    )


def _two_endpoints(first: Sourced[str], other: Sourced[str]) -> Fault:
    return Fault(
        "conflicting-token-endpoint",
        f"the token endpoint is {other.value} here, but {first.value} in {first.file} at "
        f"{first.path}",
        file=other.file,
        path=other.path,
        next="hand over the outputs of one tenant only",
    )


def _ambiguous(place: Sourced[frozenset[Cloud]], left: frozenset[Cloud]) -> Notice:
    return Notice(
        "cloud-ambiguous",
        Severity.NOTE,
        f"the cloud is {_names(left)}: nothing here tells which",
        place.file,
        place.path,
        "set azure.cloud in the environment file",
        "cloud",
    )


def _names(clouds: frozenset[Cloud]) -> str:
    return " or ".join(sorted(clouds, reverse=True))
