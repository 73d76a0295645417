"""The imitated tenant: one application, its service principal, its client secrets.

`spec/azure-and-smtp.md` 2.1 for the three ids that look alike, 2.2 for the shape of credentials.
"""

from __future__ import annotations

import hmac
import secrets
import string
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DEFAULT_LIFETIME = timedelta(days=365)
HINT = 3
"""A credential's `hint` is this many characters of the secret [DOC]."""

_SECRET_LENGTH = 40
_ALPHABET = string.ascii_letters + string.digits + "~._-"


@dataclass(slots=True)
class Credential:
    """One client secret of an application."""

    key_id: str
    display_name: str
    start: datetime
    end: datetime
    value: str = field(repr=False)
    refusals_left: int = 0
    """Token requests that are still refused, since the secret is new."""

    @property
    def hint(self) -> str:
        """The first characters, which Graph tells for ever."""
        return self.value[:HINT]


@dataclass(frozen=True, slots=True)
class Client:
    """Who may ask for tokens."""

    client_id: str
    service_principal_object_id: str
    name: str
    graph_roles: tuple[str, ...] = ()
    """Application permissions on Microsoft Graph."""


class Tenant:
    """State of the directory; any thread may."""

    def __init__(
        self,
        *,
        tenant_id: str,
        client_id: str,
        service_principal_object_id: str,
        application_object_id: str | None = None,
        display_name: str = "ServiceNow SMTP OAuth",
    ) -> None:
        """Args: ids of the tenant and of the application; a missing one is made up."""
        self.tenant_id = tenant_id.lower()
        self.application_object_id = application_object_id or str(uuid.uuid4())
        self.app = Client(client_id.lower(), service_principal_object_id.lower(), display_name)
        self.operator = Client(
            str(uuid.uuid4()),
            str(uuid.uuid4()),
            "Operator of the tenant",
            ("Application.ReadWrite.All",),
        )
        self._credentials: dict[str, list[Credential]] = {
            self.app.client_id: [],
            self.operator.client_id: [],
        }
        self._lock = threading.Lock()

    def client(self, client_id: str) -> Client | None:
        """The client of an id."""
        for found in (self.app, self.operator):
            if found.client_id == client_id.lower():
                return found
        return None

    def add(
        self,
        client: Client,
        *,
        now: datetime,
        name: str,
        start: datetime | None = None,
        end: datetime | None = None,
        value: str | None = None,
        refusals: int = 0,
    ) -> Credential:
        """Add a client secret beside those that are there.

        Args:
            client: Whose.
            now: The present moment.
            name: `displayName`.
            start: Its begin; now by default.
            end: Its end; `DEFAULT_LIFETIME` after its begin by default.
            value: The secret; a random one by default.
            refusals: How many token requests still refuse it.
        """
        begins = start or now
        made = Credential(
            str(uuid.uuid4()),
            name,
            begins,
            end or begins + DEFAULT_LIFETIME,
            value or random_secret(),
            refusals,
        )
        with self._lock:
            self._credentials[client.client_id].append(made)
        return made

    def remove(self, client: Client, key_id: str) -> bool:
        """Remove a client secret; False if there is none of this key id."""
        with self._lock:
            held = self._credentials[client.client_id]
            kept = [one for one in held if one.key_id != key_id.lower()]
            self._credentials[client.client_id] = kept
            return len(kept) < len(held)

    def credentials(self, client: Client) -> tuple[Credential, ...]:
        """The secrets of a client, oldest first."""
        with self._lock:
            return tuple(self._credentials[client.client_id])

    def present(self, client: Client, secret: str) -> Credential | None:
        """The credential that a secret belongs to; None if none does, or not yet."""
        with self._lock:
            for held in self._credentials[client.client_id]:
                if not hmac.compare_digest(held.value.encode(), secret.encode()):
                    continue
                if held.refusals_left > 0:
                    held.refusals_left -= 1
                    return None
                return held
        return None


def random_secret(begin: str = "") -> str:
    """A secret of Entra's alphabet and length, without the marker of real ones.

    Every one holds `~ . _ -`, so that what mangles them is found.

    Args:
        begin: What it begins with.
    """
    while True:
        # Each begins otherwise, or the hints that Graph tells would tell nothing apart.
        first = begin or "".join(secrets.choice(string.ascii_letters) for _ in range(HINT))
        body = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH - len(first) - 4))
        made = f"{first}~{body}.-_"
        if "Q~" not in made:
            return made
