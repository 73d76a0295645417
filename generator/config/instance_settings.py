"""How an instance is reached, and what its owner allows: the `instance` and `import` keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class AuthMethod(StrEnum):
    """How requests are authenticated (`spec/instance-http.md` A3)."""

    BASIC = "basic"
    OAUTH_CLIENT_CREDENTIALS = "oauth_client_credentials"
    OAUTH_PASSWORD = "oauth_password"  # noqa: S105 - the name of a grant
    API_KEY = "api_key"
    MTLS = "mtls"


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """One way to sign in; secrets by reference (`env:NAME`), never by value."""

    method: AuthMethod
    user: str | None = None
    password_from: str | None = None
    client_id: str | None = None
    client_secret_from: str | None = None
    api_key_from: str | None = None
    certificate: Path | None = None
    """PEM file of the client certificate, absolute."""

    private_key_from: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """The instance's side of an environment file, its URL apart."""

    auth: AuthSettings | None = None
    upload_auth: AuthSettings | None = None
    """Where `auth` cannot open a UI session, what can."""

    proxy: str | None = None
    """`http://host:port`, without credentials."""

    ca_file: Path | None = None
    """PEM file of the authorities to trust instead of the system's, absolute."""

    production: bool | None = None
    """None if nobody said; whatever writes then refuses."""

    change_gate: bool = False
    """Whether a change request may open production."""

    change_states: tuple[str, ...] = ("-1",)
    """States of the change request that pass."""

    change_types_unapproved: tuple[str, ...] = ()
    """Types of change (stored values) that pass although their approval does not read approved;
    one that was rejected never does."""


class ProblemKind(StrEnum):
    """Kinds of preview problems, by their texts (`spec/instance-http.md` B5)."""

    MISSING_OBJECT = "missing_object"
    COLLISION = "collision"
    UNCOMMITTED = "uncommitted"
    SCOPE = "scope"
    CONFLICT = "conflict"
    TABLE_HAS_DATA = "table_has_data"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ProblemRule:
    """One kind of problem that the user decided about beforehand."""

    kind: ProblemKind
    table: str
    """Table of the update's record."""

    sys_id: str | None = None
    """That one record, or every one of the table."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """The `import` key: problems that are accepted or skipped."""

    accept: tuple[ProblemRule, ...] = ()
    skip: tuple[ProblemRule, ...] = ()
