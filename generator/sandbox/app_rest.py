"""The app's own REST API, `/api/<scope>/smtp_oauth/...`, once its records are committed.

`generator.integration.app_api` describes it; role check and refusals are those of
`templates/scripts/SmtpOAuthRest.js`. Only where active `sys_ws_*` records serve the path: else the
answer is that of any path that nothing serves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from generator.integration import app_api
from generator.sandbox.app_health import Result, check
from generator.sandbox.context import Context
from generator.sandbox.mail_sender import send_due
from generator.sandbox.rest import RestError, guarded, read_object
from generator.sandbox.routes import Route

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

NOTIFICATIONS = "sysevent_email_action"
EMAILS = "sys_email"
_ACCOUNT = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ADDRESS = re.compile(app_api.ADDRESS_PATTERN, re.ASCII)
_MARKER = re.compile(app_api.MARKER_PATTERN, re.ASCII)
_NOT_UNDERSTOOD = "The request was not understood"
_PLACEHOLDER = re.compile(r"\$\{([a-z0-9_.]+)\}")


@guarded
def _health(context: Context, scope: str) -> Response:
    _demand(context, scope, method="GET")
    accounts = context.request.args.getlist("account")
    account = _fitting(accounts[0] if len(accounts) == 1 else None, _ACCOUNT, _NO_ACCOUNT)
    return context.result(check(context.sandbox, scope=scope, account=account).to_json())


@guarded
def _test(context: Context, scope: str) -> Response:
    _demand(context, scope, method="POST")
    body = read_object(context)
    account = _fitting(body.get("account"), _ACCOUNT, _NO_ACCOUNT)
    to = _fitting(body.get("to"), _ADDRESS, "to is not one email address")
    wrong_marker = "marker is not 8 to 64 letters, digits and hyphens"
    marker = _fitting(body.get("marker"), _MARKER, wrong_marker)
    result = check(context.sandbox, scope=scope, account=account)
    if result.ok:
        _queue(context.sandbox, result, scope=scope, to=to, marker=marker)
        result.test_queued = True
        result.message += " A test message was queued; look whether it arrives."
    else:
        result.message += " No test message was queued, because of this status."
    send_due(context.sandbox)
    return context.result(result.to_json())


_NO_ACCOUNT = "account is not the sys_id of one record"


def _fitting(value: object, pattern: re.Pattern[str], otherwise: str) -> str:
    text = value if isinstance(value, str) else ""
    if not pattern.fullmatch(text):
        raise RestError(400, _NOT_UNDERSTOOD, otherwise)
    return text


def _demand(context: Context, scope: str, *, method: str) -> None:
    """Refuse where no record serves the path, or the caller may not ask.

    Raises:
        RestError: 404 or 403.
    """
    if not _is_served(context.sandbox, context.request.path.rstrip("/"), method=method):
        raise RestError(404, "Requested URI does not represent any resource")
    # The default rule of Scripted REST APIs shuts out external users [DOC].
    if "snc_external" in context.roles and not context.is_admin:
        raise RestError(403, "User Not Authorized", "Failed API level ACL Validation")
    role = app_api.role_name(scope)
    if not context.has_role(role):
        raise RestError(
            403,
            f"The role {role} is missing",
            "Only its holders and administrators may ask this application",
        )


def _is_served(sandbox: Sandbox, path: str, *, method: str) -> bool:
    for row in sandbox.database.query("sys_ws_operation", f"operation_uri={path}"):
        definition = sandbox.database.get(
            "sys_ws_definition", row.get("web_service_definition", "")
        )
        is_on = row.get("active") == "true" and row.get("http_method", "").upper() == method
        if is_on and definition is not None and definition.get("active") == "true":
            return True
    return False


def _queue(sandbox: Sandbox, result: Result, *, scope: str, to: str, marker: str) -> None:
    """The event, answered by the app's notification: a row in the outbox.

    Events are worked off at once; on an instance it takes seconds [INF]. Without an active
    notification the event leads to nothing, as there.
    """
    event = f"{scope}.smtp_oauth.test"
    rows = sandbox.database.query(NOTIFICATIONS, f"event_name={event}^active=true", limit=1)
    if not rows:
        return
    account = result.record or {}
    values = {"event.parm1": to, "event.parm2": f"[{marker}]"}

    def filled(match: re.Match[str]) -> str:
        return values.get(match[1], account.get(match[1], ""))

    sandbox.database.insert(
        EMAILS,
        {
            "type": "send-ready",
            "state": "ready",
            "mailbox": "outbox",
            "subject": _PLACEHOLDER.sub(filled, rows[0].get("subject", "")),
            "recipients": to,
            "body": "This is a test message.",
            "content_type": "text/html",
            "notification_type": "SMTP",
            "target_table": "sys_email_account",
        },
        by="system",
    )


ROUTES: tuple[Route, ...] = (
    (f"/api/<scope>/{app_api.SERVICE}{app_api.HEALTH}", ("GET",), _health),
    (f"/api/<scope>/{app_api.SERVICE}{app_api.TEST}", ("POST",), _test),
)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
