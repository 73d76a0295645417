"""What the Azure side of one environment is to be: every value that a script prints.

Facts: `spec/azure-and-smtp.md` sections 3, 4 and 7. `generator.azure.setup_render` makes scripts
of it; what is decided is decided here, the templates only print.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from generator.azure.clouds import GRAPH, Cloud
from generator.azure.consent import SEND_AS_APP_ROLE
from generator.azure.setup_clouds import CLOUD_NAMES, CloudNames
from generator.azure.values import EXCHANGE_APP_ID
from generator.config.environment import Authorization, Environment
from generator.errors import Fault, UsageError
from generator.secrets.forms import KEY_VAULT_PATTERN

DEFAULT_DAYS: Final = 180
LONGEST_DAYS: Final = 730
"""A client secret lives at most 24 months (`spec/azure-and-smtp.md` section 8)."""

LONGEST_NAME: Final = 120
"""Characters of `displayName` of an application (Graph reference, graded memory)."""

LONGEST_GROUP: Final = 64
"""Characters of a group's name (Microsoft, New-DistributionGroup)."""

_LABEL: Final = re.compile(r"[^a-z0-9-]")


@dataclass(frozen=True, slots=True)
class KeyVault:
    """The secret's place in an Azure Key Vault."""

    name: str
    """The vault's name."""

    secret: str
    """Name of the secret in it."""


@dataclass(frozen=True, slots=True)
class SecretPlan:
    """The client secret that a script adds."""

    name: str
    """Its display name: one a month and instance; a second run finds it and adds none."""

    slot: str
    """The month: `2026-11`."""

    ends: datetime
    """End of validity, aware, UTC, midnight."""

    days: int
    """Days until then."""

    vault: KeyVault | None
    """Where the value goes; None is a file."""

    file: str | None
    """Absolute name of that file; None is the script's own choice, below the home directory."""

    vault_source: str
    """The vault as `azure.client_secret_from` names it; empty for a file."""

    @property
    def place(self) -> str:
        """Where the value goes, in words."""
        if self.vault is not None:
            return f"the key vault {self.vault.name}, as its secret {self.vault.secret}"
        return self.file or "a file that only you can read (mode 0600)"

    @property
    def ends_text(self) -> str:
        """`2027-05-22T00:00:00Z`."""
        return f"{self.ends:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def ends_day(self) -> str:
        """`2027-05-22`."""
        return f"{self.ends:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a call says beside the environment file."""

    app_name: str | None = None
    """Display name of the application."""

    group: str | None = None
    """Name or address of the group that holds the sending mailboxes (`app_rbac`)."""

    secret_days: int = DEFAULT_DAYS
    """Lifetime of the client secret."""

    secret_to: str | None = None
    """`keyvault:URL` or `file:PATH`; None takes `azure.client_secret_from` if it is of those."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The Azure side of one environment."""

    environment: str
    directory: Path
    """The environment's directory, for the calls that are named."""

    instance: str
    """First label of the instance's host name."""

    redirect_uri: str
    app_name: str
    app_named: bool
    """Whether a person chose that name."""

    client_id: str | None
    """The application that is there already; None where the script registers one."""

    tenant_id: str | None
    """None takes the tenant that the tool is signed in to."""

    service_principal_object_id: str | None
    app_role: bool
    """Model A; else App RBAC."""

    cloud: Cloud
    names: CloudNames
    graph: str
    login: str
    scope: str
    smtp_host: str
    mailbox: str
    from_address: str
    secret: SecretPlan
    group: str
    """Group of the sending mailboxes (`app_rbac`)."""

    management_scope: str
    assignment: str
    """Names of Exchange's management scope and role assignment (`app_rbac`)."""

    exchange_app_id: str = EXCHANGE_APP_ID
    role_id: str = SEND_AS_APP_ROLE
    """GUID of SMTP.SendAsApp (community); scripts ask Exchange's own `appRoles` where they can."""

    @property
    def sends_as_other(self) -> bool:
        """Whether From needs the right SendAs."""
        return self.from_address.lower() != self.mailbox.lower()

    @property
    def model(self) -> str:
        """The model in a person's words."""
        if self.app_role:
            return "app_role (Entra app role SMTP.SendAsApp, FullAccess to the mailbox)"
        return "app_rbac (Exchange role assignment, no permission in Entra)"

    @property
    def outputs_file(self) -> str:
        """What the script writes for `sn-smtp azure read`."""
        return f"azure-{self.environment}.json"

    @property
    def exchange_file(self) -> str:
        """What Exchange's part writes for `sn-smtp verify --exchange`."""
        return f"exchange-{self.environment}.json"

    @property
    def secret_stem(self) -> str:
        """Names of all its client secrets, without the month."""
        return self.secret.name.removesuffix(f"-{self.secret.slot}")

    @property
    def unique_name(self) -> str:
        """Bicep's own key of the application."""
        return f"servicenow-smtp-{self.instance.lower()}"

    @property
    def deployment(self) -> str:
        """Name of Bicep's deployment."""
        return f"sn-smtp-{self.environment}"

    @property
    def name_filter(self) -> str:
        """OData filter that finds the application by its name."""
        return "displayName eq '{}'".format(self.app_name.replace("'", "''"))

    @property
    def application_body(self) -> str:
        """JSON of `POST /applications`."""
        return json.dumps(
            {
                "displayName": self.app_name,
                "signInAudience": "AzureADMyOrg",
                "web": {"redirectUris": [self.redirect_uri]},
            }
        )

    @property
    def consent_query(self) -> str:
        """What stands behind `client_id` in the address at which a person consents."""
        return (
            f"&redirect_uri={quote(self.redirect_uri, safe='')}&scope={quote(self.scope, safe='')}"
        )


def plan_setup(environment: Environment, *, wishes: Wishes, now: datetime) -> Setup:
    """Decide what the Azure side is to be.

    Args:
        environment: What the user wrote, understood; its ids may be `UNKNOWN_TENANT` and
            `UNKNOWN_CLIENT` (`generator.azure.setup_environment`).
        wishes: What the call says.
        now: Aware; the secret is named after its month and ends `secret_days` later.

    Raises:
        UsageError: The secret's place is none that a script can write to.
    """
    azure, account = environment.azure, environment.email_account
    host = environment.instance_url.removeprefix("https://")
    instance = host.partition(".")[0]
    short = instance[: LONGEST_GROUP - len("SMTP.SendAsApp ")]
    names = CLOUD_NAMES[azure.cloud]
    app_name = wishes.app_name or f"{environment.oauth.name} ({instance})"
    return Setup(
        environment=environment.name,
        directory=environment.directory,
        instance=instance,
        redirect_uri=f"{environment.instance_url}/oauth_redirect.do",
        app_name=app_name,
        app_named=wishes.app_name is not None,
        client_id=_known(azure.client_id),
        tenant_id=_known(azure.tenant_id),
        service_principal_object_id=azure.service_principal_object_id,
        app_role=azure.authorization is Authorization.APP_ROLE,
        cloud=azure.cloud,
        names=names,
        graph=GRAPH[azure.cloud],
        login=azure.login,
        scope=azure.scope,
        smtp_host=account.server,
        mailbox=account.user_name,
        from_address=account.from_address or account.user_name,
        secret=_secret(instance, azure.client_secret_from, wishes, names, now=now),
        group=wishes.group or f"SMTP senders {short}",
        management_scope=f"SMTP senders {short}",
        assignment=f"SMTP.SendAsApp {short}",
    )


UNKNOWN_TENANT: Final = "00000000-0000-4000-8000-00000000ffff"
UNKNOWN_CLIENT: Final = "00000000-0000-4000-8000-0000ffff0000"
"""Stand where Azure has given no ids yet, because the script is what makes them."""


def _known(value: str) -> str | None:
    return None if value in (UNKNOWN_TENANT, UNKNOWN_CLIENT) else value


def _secret(
    instance: str, written: str | None, wishes: Wishes, names: CloudNames, *, now: datetime
) -> SecretPlan:
    ends = (now + timedelta(days=wishes.secret_days)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    slot = f"{now:%Y-%m}"
    source = wishes.secret_to or written or ""
    file = source.removeprefix("file:") if source.startswith("file:") else None
    vault = _vault(source, names, chosen=wishes.secret_to is not None)
    if wishes.secret_to is not None and vault is None and file is None:
        raise UsageError(
            Fault(
                "secret-place",
                "--secret-to takes a place that a script can write to: "
                "keyvault:https://VAULT.vault.azure.net/secrets/NAME or file:PATH.",
                path="--secret-to",
                next="name one of the two, or leave the option out",
            )
        )
    if wishes.secret_to is not None and file is not None and not Path(file).is_absolute():
        raise UsageError(
            Fault(
                "secret-place-relative",
                "--secret-to names a file by a relative path; the script is run elsewhere, and the "
                "environment file counts from its own directory: two different files.",
                path="--secret-to",
                next="give the absolute path, without ~, on the machine that runs the script",
            )
        )
    absolute = file if file is not None and Path(file).is_absolute() else None
    return SecretPlan(
        name=f"servicenow-{_LABEL.sub('-', instance.lower())}-{slot}",
        slot=slot,
        ends=ends,
        days=wishes.secret_days,
        vault=vault,
        file=absolute,
        vault_source=source if vault is not None else "",
    )


def _vault(source: str, names: CloudNames, *, chosen: bool) -> KeyVault | None:
    found = re.fullmatch(KEY_VAULT_PATTERN, source)
    if found is None:
        return None
    path = "--secret-to" if chosen else "azure.client_secret_from"
    if found[4]:
        raise UsageError(
            Fault(
                "vault-version",
                "names one version of a secret; what a script writes becomes a new version.",
                path=path,
                next="leave the version away, or name another place with --secret-to",
            )
        )
    if found[2] != names.vault:
        raise UsageError(
            Fault(
                "vault-other-cloud",
                f"names a key vault of another cloud than azure.cloud, whose vaults end in "
                f".vault.{names.vault}; a script is signed in to one cloud only.",
                path=path,
                next="name a vault of that cloud, or a file, with --secret-to",
            )
        )
    return KeyVault(found[1].removeprefix("https://").partition(".")[0], found[3])
