"""The token endpoint: `/{tenant}/oauth2/v2.0/token` and what clients read before it.

Texts of `spec/azure-and-smtp.md` 6.1, order of the checks of its section 10. An error's ids and
times are made up, its form is Entra's.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from generator.sandbox.context import Json, json_response
from generator.sandbox.mail import tokens
from generator.sandbox.mail.mail_switches import HEALTHY

if TYPE_CHECKING:
    from generator.sandbox.mail.stand_in import MailSandbox
    from generator.sandbox.mail.tenant import Client

DEFAULT_SCOPE = "/.default"
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal of the token endpoint."""

    code: int
    """Number after `AADSTS`."""

    status: int
    error: str
    text: str
    """`{app}`, `{tenant}`, `{scope}` and `{resource}` stand for what was asked."""


_NOT_IN_TENANT = (
    "This can happen if the application has not been installed by the administrator of the tenant "
    "or consented to by any user in the tenant. "
)

REFUSALS = {
    "secret_invalid": Refusal(
        7000215,
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the "
        "client secret value, not the client secret ID, for a secret added to app '{app}'.",
    ),
    "secret_expired": Refusal(
        7000222,
        401,
        "invalid_client",
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to "
        "create new keys for your app: https://aka.ms/NewClientSecret, or consider using "
        "certificate credentials for added security: https://aka.ms/certCreds.",
    ),
    "app_unknown": Refusal(
        700016,
        400,
        "unauthorized_client",
        "Application with identifier '{app}' was not found in the directory 'Contoso'. "
        + _NOT_IN_TENANT
        + "You may have sent your authentication request to the wrong tenant.",
    ),
    "tenant_unknown": Refusal(
        90002,
        400,
        "invalid_request",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant.",
    ),
    # [MEM]
    "tenant_malformed": Refusal(
        900023,
        400,
        "invalid_request",
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external "
        "domain.",
    ),
    "scope_invalid": Refusal(
        1002012,
        400,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a "
        "scope value with /.default suffixed to the resource identifier (application ID URI).",
    ),
    "scope_malformed": Refusal(
        70011,
        400,
        "invalid_scope",
        "The provided value for the input parameter 'scope' isn't valid. The scope {scope} isn't "
        "valid.",
    ),
    "resource_unknown": Refusal(
        500011,
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named Contoso. "
        + _NOT_IN_TENANT
        + "You might have sent your authentication request to the wrong tenant.",
    ),
    "assertion_invalid": Refusal(
        700027,
        401,
        "invalid_client",
        "Client assertion contains an invalid signature. [Reason - The key was not found.]",
    ),
    # [MEM]
    "conditional_access": Refusal(
        53003,
        400,
        "access_denied",
        "Access has been blocked by Conditional Access policies. The access policy does not allow "
        "token issuance.",
    ),
    # [MEM] the spec has the number only: status, error and text are recollected.
    "app_disabled": Refusal(
        7000112, 401, "unauthorized_client", "Application '{app}'(ServiceNow) is disabled."
    ),
    # [MEM] as above.
    "assignment_required": Refusal(
        501051,
        400,
        "invalid_grant",
        "Application '{app}'(ServiceNow) is not assigned to a role for the application "
        "'{resource}'(Office 365 Exchange Online).",
    ),
    "unknown_code": Refusal(
        9999999,
        400,
        "invalid_request",
        "The request was refused for a reason that no table of this program knows.",
    ),
    # [MEM] what the endpoint says of another grant, and of a field that is missing.
    "grant_unsupported": Refusal(
        70003, 400, "unsupported_grant_type", "The app requested an unsupported grant type."
    ),
    "field_missing": Refusal(
        900144,
        400,
        "invalid_request",
        "The request body must contain the following parameter: '{field}'.",
    ),
}
"""What the endpoint refuses, by the name of the switch `entra`."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A token request."""

    tenant: str
    fields: dict[str, str]

    def named(self, **more: str) -> dict[str, str]:
        scope = self.fields.get("scope", "")
        return {
            "tenant": self.tenant,
            "app": self.fields.get("client_id", ""),
            "scope": scope,
            "resource": scope.removesuffix(DEFAULT_SCOPE),
            **more,
        }


class _Refused(Exception):
    """A request is refused; holds the answer's parts."""

    def __init__(self, refusal: Refusal, names: dict[str, str]) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.names = names


def token(mail: MailSandbox, request: Request, *, tenant: str) -> Response:
    """Answer a token request."""
    asked = _Asked(tenant, request.form.to_dict())
    disturbed = _disturbance(mail, request)
    if disturbed is not None:
        return disturbed
    try:
        planned = mail.behaviour.entra
        if planned in REFUSALS:
            raise _Refused(REFUSALS[planned], asked.named())
        client = _check(mail, asked)
    except _Refused as refused:
        return refusal_response(refused.refusal, refused.names, now=mail.now())
    resource = asked.named()["resource"]
    access = issue(mail, client, resource=resource)
    seconds = mail.behaviour.token_seconds
    payload: dict[str, Json] = {
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": access,
    }
    if planned == "no_token":
        del payload["access_token"]
    return json_response(payload, headers=_NO_STORE)


def issue(mail: MailSandbox, client: Client, *, resource: str) -> str:
    """An access token of a client for a resource, with what the switches spoil."""
    behaviour = mail.behaviour
    claims = tokens.make_claims(
        client,
        tenant_id=mail.tenant.tenant_id,
        audience=resource,
        roles=_roles(mail, client, resource),
        now=mail.now(),
        seconds=behaviour.token_seconds,
        padding=behaviour.token_padding,
    )
    if resource in tokens.GRAPH_AUDIENCES:
        return tokens.sign(claims)
    if behaviour.claims == "opaque":
        return "opaque." + uuid.uuid4().hex * 4
    return tokens.sign(tokens.spoil_claims(claims, behaviour.claims))


def _roles(mail: MailSandbox, client: Client, resource: str) -> tuple[str, ...]:
    if resource in tokens.GRAPH_AUDIENCES:
        return client.graph_roles
    is_app = client is mail.tenant.app
    return (tokens.SEND_AS_APP,) if is_app and mail.authorization == "app_role" else ()


def openid_configuration(mail: MailSandbox, request: Request, *, tenant: str) -> Response:
    """The document that clients find the endpoints by."""
    del request
    wrong = _wrong_tenant(mail, tenant)
    if wrong is not None:
        refusal = Refusal(wrong.code, 400, "invalid_tenant", wrong.text)
        return refusal_response(refusal, {"tenant": tenant}, now=mail.now())
    base = f"{mail.entra_url}/{tenant}"
    return json_response(
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code", "id_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": [tokens.ALGORITHM],
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "tenant_region_scope": "EU",
        }
    )


def keys(mail: MailSandbox, request: Request, *, tenant: str) -> Response:
    """The public keys."""
    del mail, request, tenant
    return json_response(tokens.public_jwks())  # type: ignore[arg-type]


def refusal_response(refusal: Refusal, names: dict[str, str], *, now: datetime) -> Response:
    """The answer of a refusal, in Entra's form."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    moment = f"{now:%Y-%m-%d %H:%M:%S}Z"
    text = refusal.text.format_map(names)
    payload: Json = {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.code}: {text} Trace ID: {trace} Correlation ID: "
        f"{correlation} Timestamp: {moment}",
        "error_codes": [refusal.code],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={refusal.code}",
    }
    return json_response(payload, status=refusal.status, headers=_NO_STORE)


_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def _check(mail: MailSandbox, asked: _Asked) -> Client:
    """Check a request: tenant, client, scope, resource, secret (section 10).

    Raises:
        _Refused: One is wrong.
    """

    def refuse(kind: str, **names: str) -> _Refused:
        return _Refused(REFUSALS[kind], asked.named(**names))

    wrong = _wrong_tenant(mail, asked.tenant)
    if wrong is not None:
        raise _Refused(wrong, asked.named())
    for name in ("client_id", "grant_type", "scope"):
        if not asked.fields.get(name):
            raise refuse("field_missing", field=name)
    if asked.fields["grant_type"] != "client_credentials":
        raise refuse("grant_unsupported")
    client = mail.tenant.client(asked.fields["client_id"])
    if client is None:
        raise refuse("app_unknown")
    scope = asked.fields["scope"]
    if " " in scope.strip():
        raise refuse("scope_malformed")
    if not scope.endswith(DEFAULT_SCOPE):
        raise refuse("scope_invalid")
    if scope.removesuffix(DEFAULT_SCOPE) not in mail.resources:
        raise refuse("resource_unknown")
    if "client_assertion" in asked.fields:
        raise refuse("assertion_invalid")
    held = mail.tenant.present(client, asked.fields.get("client_secret", ""))
    if held is None:
        raise refuse("secret_invalid")
    if held.end <= mail.now():
        raise refuse("secret_expired")
    return client


def _wrong_tenant(mail: MailSandbox, tenant: str) -> Refusal | None:
    if tenant.lower() == mail.tenant.tenant_id:
        return None
    is_formed = _GUID.fullmatch(tenant) is not None or "." in tenant
    return REFUSALS["tenant_unknown" if is_formed else "tenant_malformed"]


def _disturbance(mail: MailSandbox, request: Request) -> Response | None:
    """What comes instead of an answer of the endpoint."""
    planned = mail.behaviour.entra
    if planned == HEALTHY:
        return None
    if planned == "throttled":
        return Response("", 429, {"Retry-After": "30"})
    if planned == "unavailable":
        return Response("Service Unavailable", 503, content_type="text/html")
    if planned == "not_json":
        return Response("<html><title>Sign in to the network</title></html>", 200)
    if planned == "redirect":
        return Response("", 302, {"Location": request.url.replace("/oauth2/", "/elsewhere/")})
    return None
