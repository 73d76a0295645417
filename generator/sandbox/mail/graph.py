"""The part of Microsoft Graph that a rotation uses: applications and their client secrets.

Paths and shapes of `spec/azure-and-smtp.md` 2.2 and 9; the words of refusals are recollected [MEM].
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from generator.clock import EARLIEST, LATEST
from generator.sandbox.context import Json, json_response
from generator.sandbox.mail import tokens
from generator.sandbox.mail.mail_switches import HEALTHY

if TYPE_CHECKING:
    from generator.sandbox.mail.stand_in import MailSandbox
    from generator.sandbox.mail.tenant import Credential

CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#"
_PATH = re.compile(
    r"/v1\.0/(applications|servicePrincipals)"
    r"(?:\(appId='(?P<app>[^']*)'\)|/(?P<id>[0-9A-Za-z-]+))?(?:/(?P<action>\w+))?"
)
_FILTER = re.compile(r"\s*appId\s+eq\s+'([^']*)'\s*")
_NEEDED = frozenset({"Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"})
_DISTURBANCES = {
    "unauthorized": (401, "InvalidAuthenticationToken", "Access token validation failure."),
    "forbidden": (
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    ),
    "not_found": (
        404,
        "Request_ResourceNotFound",
        "Resource does not exist or one of its queried reference-property objects are not present.",
    ),
    "throttled": (429, "TooManyRequests", "Too many requests"),
    "unavailable": (503, "serviceNotAvailable", "Service unavailable"),
}


def answer(mail: MailSandbox, request: Request) -> Response:
    """Answer a request below `/v1.0/`."""
    planned = mail.behaviour.graph
    if planned == "not_json":
        return Response("<html><title>Sign in to the network</title></html>", 200)
    if planned != HEALTHY:
        return _error(mail, planned)
    claims = _claims(mail, request)
    if claims is None:
        return _error(mail, "unauthorized")
    roles = claims.get("roles", ())
    if not isinstance(roles, list) or _NEEDED.isdisjoint(roles):
        return _error(mail, "forbidden")
    match = _PATH.fullmatch(request.path.rstrip("/"))
    if match is None:
        return _error(mail, "not_found")
    if match["app"] is None and match["id"] is None:
        return _listed(mail, request, kind=match[1])
    if not _is_ours(mail, match):
        return _error(mail, "not_found")
    if match["action"] is None and request.method == "GET":
        return json_response(
            {"@odata.context": f"{CONTEXT}{match[1]}/$entity", **_one(mail, match[1])}
        )
    if match[1] == "applications" and request.method == "POST":
        if match["action"] == "addPassword":
            return _add(mail, request)
        if match["action"] == "removePassword":
            return _remove(mail, request)
    return _error(mail, "not_found")


def _claims(mail: MailSandbox, request: Request) -> dict[str, object] | None:
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        return None
    claims = tokens.read(given.token, now=mail.now())
    if claims is None or claims.get("aud") not in tokens.GRAPH_AUDIENCES:
        return None
    return claims if claims.get("tid") == mail.tenant.tenant_id else None


def _is_ours(mail: MailSandbox, match: re.Match[str]) -> bool:
    if match["app"] is not None:
        return match["app"].lower() == mail.tenant.app.client_id
    is_app = match[1] == "applications"
    tenant = mail.tenant
    wanted = tenant.application_object_id if is_app else tenant.app.service_principal_object_id
    return match["id"].lower() == wanted.lower()


def _listed(mail: MailSandbox, request: Request, *, kind: str) -> Response:
    wanted = _FILTER.fullmatch(request.args.get("$filter", ""))
    if request.method != "GET" or wanted is None:
        return _refused(mail, 400, "Request_UnsupportedQuery", "Unsupported Query.")
    is_ours = wanted.group(1).lower() == mail.tenant.app.client_id
    found: list[Json] = [_one(mail, kind)] if is_ours else []
    return json_response({"@odata.context": f"{CONTEXT}{kind}", "value": found})


def _one(mail: MailSandbox, kind: str) -> dict[str, Json]:
    tenant = mail.tenant
    if kind == "servicePrincipals":
        return {
            "id": tenant.app.service_principal_object_id,
            "appId": tenant.app.client_id,
            "displayName": tenant.app.name,
            "accountEnabled": True,
            "appOwnerOrganizationId": tenant.tenant_id,
            "servicePrincipalType": "Application",
            "passwordCredentials": [],
            "keyCredentials": [],
        }
    return {
        "id": tenant.application_object_id,
        "appId": tenant.app.client_id,
        "displayName": tenant.app.name,
        "signInAudience": "AzureADMyOrg",
        "keyCredentials": [],
        "passwordCredentials": [
            _credential(held, secret=None) for held in tenant.credentials(tenant.app)
        ],
        "requiredResourceAccess": [],
        "web": {"redirectUris": []},
    }


def _credential(held: Credential, *, secret: str | None) -> dict[str, Json]:
    return {
        "customKeyIdentifier": None,
        "displayName": held.display_name,
        "endDateTime": _text(held.end),
        "hint": held.hint,
        "keyId": held.key_id,
        "secretText": secret,
        "startDateTime": _text(held.start),
    }


def _add(mail: MailSandbox, request: Request) -> Response:
    body = _body(request)
    given = body.get("passwordCredential", {})
    if not isinstance(given, dict):
        return _refused(mail, 400, "Request_BadRequest", "Invalid property passwordCredential.")
    try:
        start, end = _moment(given.get("startDateTime")), _moment(given.get("endDateTime"))
    except ValueError:
        return _refused(mail, 400, "Request_BadRequest", "Cannot convert a date-time.")
    made = mail.tenant.add(
        mail.tenant.app,
        now=mail.now(),
        name=str(given.get("displayName") or ""),
        start=start,
        end=end,
        refusals=mail.behaviour.new_secret_after,
    )
    context = f"{CONTEXT}microsoft.graph.passwordCredential"
    return json_response({"@odata.context": context, **_credential(made, secret=made.value)})


def _remove(mail: MailSandbox, request: Request) -> Response:
    key_id = _body(request).get("keyId")
    if not isinstance(key_id, str) or not mail.tenant.remove(mail.tenant.app, key_id):
        text = "No password credential found with keyId."
        return _refused(mail, 400, "Request_BadRequest", text)
    return Response(status=204)


def _body(request: Request) -> dict[str, object]:
    try:
        found = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError
    found = datetime.fromisoformat(value)
    if found.tzinfo is None or not EARLIEST <= found <= LATEST:
        raise ValueError
    return found


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(mail: MailSandbox, kind: str) -> Response:
    return _refused(mail, *_DISTURBANCES[kind])


def _refused(mail: MailSandbox, status: int, code: str, message: str) -> Response:
    request_id = str(uuid.uuid4())
    inner: Json = {
        "date": mail.now().strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request_id,
    }
    headers = {"Retry-After": "10"} if status == 429 else {}
    payload: Json = {"error": {"code": code, "message": message, "innerError": inner}}
    return json_response(payload, status=status, headers=headers)
