"""Which port goes with which connection security; a contradiction would only show at AUTH."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from generator.config.environment import ConnectionSecurity
from generator.config.keys import EnvironmentKeys
from generator.config.tree import Section, steps
from generator.errors import Fault

_MEANT: Final = {587: ConnectionSecurity.STARTTLS, 465: ConnectionSecurity.SSL}
"""The two registered ports (RFC 8314, "Cleartext Considered Obsolete", section 7.3; RFC 6409)."""


def pair_faults(tree: Section, keys: EnvironmentKeys, *, file: str) -> Iterator[Fault]:
    """Refuse port 587 with ssl and port 465 with starttls; any other port may be either.

    Args:
        tree: The merged files.
        keys: The typed values.
        file: The environment's own file, where neither is written.
    """
    account = keys.email_account
    meant = _MEANT.get(account.port)
    if meant is None or account.connection_security == meant:
        return
    place = None
    for key in ("connection_security", "port"):
        found = list(steps(tree, ("email_account", key)))
        if len(found) == 2:
            place = found[-1][0]
            break
    yield Fault(
        "port-and-security",
        f"port {account.port} goes with {meant.value}, not with "
        f"{ConnectionSecurity(account.connection_security).value}.",
        file=file if place is None else place.file,
        line=None if place is None else place.line,
        path="email_account.connection_security",
        next="write port 587 with starttls (Exchange Online's own), or 465 with ssl",
    )
