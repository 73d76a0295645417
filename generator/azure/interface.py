"""What a reader of one shape is, and the facts that readers find.

A document is walked by `generator.azure.walk`; each object in it is given to the one `Reader`
that recognises it by its keys (`spec/azure-and-smtp.md` section 2.3 (a)), never by a file
name. A reader adds `Fact`s to a `generator.azure.facts.Facts`; what one object said is a
`Finding`. No fact can hold a secret: of one that was met only the first three characters
remain, which Graph itself publishes as `hint`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from generator.azure.clouds import Cloud
from generator.azure.model import Notice, Sourced
from generator.errors import Fault

if TYPE_CHECKING:
    from generator.azure.facts import Facts
    from generator.azure.nodes import Record


class IdKind(StrEnum):
    """The GUIDs that must not be mixed up (`spec/azure-and-smtp.md` section 2.1)."""

    TENANT = "tenant ID"
    CLIENT = "client ID"
    APPLICATION_OBJECT = "application object ID"
    SERVICE_PRINCIPAL_OBJECT = "service principal object ID"

    @property
    def concern(self) -> str:
        """The field of `AzureOutputs` that it fills: `client_id`."""
        return self.value.lower().replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Identifier:
    """A GUID of a known kind."""

    kind: IdKind
    id: Sourced[str]
    """Lower case."""


@dataclass(frozen=True, slots=True)
class AmbiguousId:
    """A GUID whose name does not tell of which kind it is; never guessed."""

    id: Sourced[str]
    """Lower case."""

    candidates: tuple[IdKind, ...]
    """The kinds it can be, the one that matters first."""


@dataclass(frozen=True, slots=True)
class CloudSeen:
    """An endpoint or environment name, and the clouds that it can mean."""

    clouds: Sourced[frozenset[Cloud]]


@dataclass(frozen=True, slots=True)
class LoginSeen:
    """A login endpoint on a host that belongs to no known cloud."""

    login: Sourced[str]
    """`https://host`."""


@dataclass(frozen=True, slots=True)
class EndpointSeen:
    """A token endpoint, version 2."""

    url: Sourced[str]


class CredentialKind(StrEnum):
    """What an application proves itself with."""

    SECRET = "client secret"  # noqa: S105 - a kind, not a secret
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a document says about one credential of the application; never the secret."""

    kind: CredentialKind
    file: str
    path: str
    key_id: Sourced[str] | None = None
    """Entra's "Secret ID", lower case GUID."""

    hint: Sourced[str] | None = None
    """First three characters, as Graph returns them."""

    starts: Sourced[datetime] | None = None
    ends: Sourced[datetime] | None = None
    opening: Sourced[str] | None = field(default=None, repr=False)
    """First three characters of the secret that stood here, if one did."""

    singled_out: bool = False
    """Whether the document speaks of this credential alone, so that it is the one in use."""


@dataclass(frozen=True, slots=True)
class CopiedExpiry:
    """An expiry that somebody set on a copy of the secret (a vault); Entra's own wins."""

    ends: Sourced[datetime]


@dataclass(frozen=True, slots=True)
class RedirectUri:
    """A redirect URI of the application."""

    uri: Sourced[str]


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission that the application requests: configured, not consented."""

    role_id: Sourced[str]
    resource_app_id: str | None
    """Client ID of the API that owns the role, where told."""

    application: bool
    """True for `Role` (application permission), false for `Scope` (delegated)."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """An app role assignment: the evidence of admin consent."""

    role_id: Sourced[str]
    principal_id: Sourced[str] | None
    """Service principal object ID of the application that holds the role."""

    resource_id: str | None
    """Service principal object ID of the API that owns the role."""


@dataclass(frozen=True, slots=True)
class AssignmentsListed:
    """A complete list of app role assignments was seen, perhaps an empty one."""

    file: str
    path: str


@dataclass(frozen=True, slots=True)
class RoleDefined:
    """The Exchange Online service principal says which GUID `SMTP.SendAsApp` has."""

    role_id: str
    resource_id: str | None
    """Object ID of that service principal in this tenant."""


@dataclass(frozen=True, slots=True)
class RoleInToken:
    """An access token for Exchange carried `SMTP.SendAsApp`: consent was given."""

    file: str
    path: str


Fact: TypeAlias = (
    Identifier
    | AmbiguousId
    | CloudSeen
    | LoginSeen
    | EndpointSeen
    | Credential
    | CopiedExpiry
    | RedirectUri
    | Permission
    | Assignment
    | AssignmentsListed
    | RoleDefined
    | RoleInToken
    | Notice
    | Fault
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one object of a document said."""

    shape: str
    """The reader's name for it: `Graph application`."""

    file: str
    path: str
    choice: str | None
    """Names the list or state that it is one entry of; None if it stands alone."""

    facts: tuple[Fact, ...]

    @property
    def client_id(self) -> str | None:
        """The application that it is about, where it says so."""
        for fact in self.facts:
            if isinstance(fact, Identifier) and fact.kind is IdKind.CLIENT:
                return fact.id.value
        return None


class Reader(Protocol):
    """Reads one shape. Recognition is exact: two readers for one object is an error."""

    @property
    def shape(self) -> str:
        """What messages call the shape: `az ad app show (Graph application)`."""

    @property
    def hallmarks(self) -> tuple[str, ...]:
        """Folded keys, one of which every object of the shape has: it is asked about no other."""

    def recognises(self, record: Record) -> bool:
        """Whether the object has this shape, judged by its keys."""

    def read(self, record: Record, facts: Facts) -> None:
        """Add what the object says, faults and notices included; never raises for bad input."""
