"""What the token endpoint's refusals mean (`spec/azure-and-smtp.md` 6.1), as data.

Microsoft may change codes and texts at any time: what is not in the table is explained by its
`error`, the standardised word of OAuth 2.0 (RFC 6749 5.2), and shown with its own text.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.mail.interface import Cause
from generator.mail.settings import MailSettings


@dataclass(frozen=True, slots=True)
class EntraError:
    """One code of Microsoft Entra ID; `{client_id}` and the like are filled in."""

    number: int
    """Behind `AADSTS`."""

    error: str
    """OAuth's word for the family; empty where unknown."""

    causes: tuple[Cause, ...]
    """The likeliest first."""


_ADD_ANOTHER = (
    "Add a new one beside it and deliver it: az ad app credential reset --id {client_id} "
    "--append, or sn-smtp secret rotate ENV"
)
_OTHER_SECRET = Cause(
    "The secret belongs to another application than {client_id}.",
    "Compare its first three characters with the hints of: az ad app credential list --id "
    "{client_id}",
)
_WRONG_TENANT = Cause(
    "The tenant {tenant_id} is not the one that has the application.",
    "Compare with Directory (tenant) ID on the overview of the app registration.",
)
_WRONG_CLOUD = Cause(
    "The token is asked for in another cloud than the tenant's: {login} is asked.",
    "Set azure.cloud (public, gcc-high, dod, china) or azure.endpoints.",
)

KNOWN: tuple[EntraError, ...] = (
    EntraError(
        7000215,
        "invalid_client",
        (
            Cause(
                "The client secret is wrong: its Secret ID was copied instead of its Value, or the "
                "value was cut or changed on the way.",
                "Put the Value where azure.client_secret_from points. It is shown once, when it is "
                "made; if it is lost, add a new one: az ad app credential reset --id {client_id} "
                "--append",
            ),
            Cause(
                "A character was changed on the way: white space or a line end was added, or ~ "
                "became %7E.",
                "Take the value as it was shown, and put it there without a line end.",
            ),
            _OTHER_SECRET,
            Cause(
                "The secret is new: Entra may refuse it for its first minutes.",
                "Wait a minute or two and run it again.",
            ),
        ),
    ),
    EntraError(
        7000222,
        "invalid_client",
        (
            Cause("The client secret has expired.", _ADD_ANOTHER),
            Cause(
                "An old secret was delivered although a newer one exists.",
                "See what is there: az ad app credential list --id {client_id}",
            ),
        ),
    ),
    EntraError(
        700016,
        "unauthorized_client",
        (
            Cause(
                "The tenant {tenant_id} has no application with the client ID {client_id}: an "
                "object ID may have been used as client ID.",
                "Use Application (client) ID of the app registration's overview, not Object ID.",
            ),
            _WRONG_TENANT,
            _WRONG_CLOUD,
        ),
    ),
    EntraError(
        90002,
        "invalid_request",
        (
            Cause(
                "There is no tenant {tenant_id} at {login}.",
                "Use Directory (tenant) ID of the app registration's overview as azure.tenant_id.",
            ),
            _WRONG_CLOUD,
        ),
    ),
    EntraError(
        1002012,
        "invalid_scope",
        (
            Cause(
                "The scope {scope} does not end in /.default, as this grant wants it.",
                "Set azure.endpoints.scope to {expected_scope}, or remove the key.",
            ),
            Cause("The scope was URL-encoded twice.", "Write it plain: {expected_scope}"),
        ),
    ),
    EntraError(
        500011,
        "invalid_resource",
        (
            Cause(
                "The scope {scope} names a resource that the tenant does not have: it is another "
                "cloud's.",
                "Set azure.cloud to the tenant's cloud, or azure.endpoints.scope to its scope.",
            ),
            Cause(
                "The tenant has no Exchange Online (no licence), so no Exchange service principal.",
                "Check with: az ad sp show --id 00000002-0000-0ff1-ce00-000000000000",
            ),
            _WRONG_TENANT,
        ),
    ),
    EntraError(
        70011,
        "invalid_scope",
        (
            Cause(
                "The scope {scope} holds more than one scope, or one that does not exist "
                "(offline_access has no place in this grant).",
                "Set azure.endpoints.scope to {expected_scope}, or remove the key.",
            ),
        ),
    ),
    EntraError(
        700027,
        "invalid_client",
        (
            Cause(
                "A certificate was used instead of a client secret, and Entra does not know it.",
                "This integration uses a client secret: set azure.client_secret_from. For "
                "certificates: upload the right one, compare thumbprints.",
            ),
        ),
    ),
    EntraError(
        900023,
        "invalid_request",
        (
            Cause(
                "The tenant {tenant_id} is no tenant ID.",
                "Use Directory (tenant) ID, a GUID, as azure.tenant_id.",
            ),
        ),
    ),
    EntraError(
        53003,
        "access_denied",
        (
            Cause(
                "A Conditional Access policy for workload identities blocks the application.",
                "Exclude the application from it, or allow the address from which the token is "
                "asked for: Entra admin center > Protection > Conditional Access. The instance "
                "asks from ServiceNow's addresses, this machine from yours.",
            ),
        ),
    ),
    # 7000112 and 501051: from memory (MEM); their text and status are not known.
    EntraError(
        7000112,
        "",
        (
            Cause(
                "The application is disabled in the tenant.",
                "Enable it: Enterprise applications > the application > Properties > Enabled for "
                "users to sign in, or az ad sp update --id {client_id} --set accountEnabled=true",
            ),
        ),
    ),
    EntraError(
        501051,
        "",
        (
            Cause(
                "The application wants an assignment and has none.",
                "Consent to SMTP.SendAsApp, or switch it off: Enterprise applications > the "
                "application > Properties > Assignment required",
            ),
        ),
    ),
)
"""Every code of the specification; the order is its own."""

FAMILIES: dict[str, tuple[Cause, ...]] = {
    "invalid_client": (
        Cause(
            "Entra does not accept the secret of {client_id}.",
            "Read the text of the answer; check the secret as for AADSTS7000215 and 7000222.",
        ),
    ),
    "unauthorized_client": (
        Cause(
            "Entra does not know the application {client_id} in {tenant_id}, or does not let it "
            "use this grant.",
            "Read the text of the answer; check client ID and tenant ID, and that the application "
            "is enabled.",
        ),
    ),
    "invalid_scope": (
        Cause("Entra does not accept the scope {scope}.", "Set it to {expected_scope}."),
    ),
    "invalid_resource": (
        Cause("The tenant does not know the resource of {scope}.", "Check azure.cloud."),
    ),
    "invalid_request": (
        Cause(
            "Entra did not understand the request: most often the tenant is wrong.",
            "Read the text of the answer; check azure.tenant_id and azure.endpoints.login.",
        ),
    ),
    "invalid_grant": (
        Cause(
            "Entra does not grant what was asked for.",
            "Read the text of the answer; check consent and Conditional Access.",
        ),
    ),
    "access_denied": (
        Cause(
            "A policy of the tenant blocks the application.",
            "Look for the correlation ID in Entra's sign-in logs > Service principal sign-ins.",
        ),
    ),
    "temporarily_unavailable": (
        Cause("Entra is busy.", "Try again later; see https://status.cloud.microsoft"),
    ),
    "server_error": (
        Cause(
            "Entra has a fault of its own.", "Try again later; see https://status.cloud.microsoft"
        ),
    ),
}
"""`error` to what it means where the code is not known."""

_ANY = (
    Cause(
        "Entra refused, for a reason that this version does not know.",
        "Read the text of the answer; look the code up at "
        "https://login.microsoftonline.com/error, and the correlation ID in Entra's sign-in logs "
        "(Service principal sign-ins).",
    ),
)


def causes_of(
    codes: tuple[int, ...], error: str, *, settings: MailSettings
) -> tuple[str, tuple[Cause, ...]]:
    """What a refusal means.

    Args:
        codes: Its `error_codes`.
        error: Its `error`.
        settings: Whose values stand in the answer.

    Returns:
        A stable identifier (`aadsts-7000215`, `entra-invalid-client`), and the causes.
    """
    for known in KNOWN:
        if known.number in codes:
            return f"aadsts-{known.number}", _filled(known.causes, settings)
    if codes:
        return f"aadsts-{codes[0]}", _filled(FAMILIES.get(error, _ANY), settings)
    if error in FAMILIES:
        return f"entra-{error.replace('_', '-')}", _filled(FAMILIES[error], settings)
    return "entra-refused-token", _filled(_ANY, settings)


def _filled(causes: tuple[Cause, ...], settings: MailSettings) -> tuple[Cause, ...]:
    from generator.azure.clouds import ENDPOINTS

    values = {
        "client_id": settings.client_id,
        "tenant_id": settings.tenant_id,
        "scope": settings.scope,
        "expected_scope": ENDPOINTS[settings.cloud].scope,
        "login": settings.login,
    }
    return tuple(Cause(one.what.format(**values), one.fix.format(**values)) for one in causes)
