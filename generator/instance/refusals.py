"""What the platform's refusals mean, by status and text (`spec/instance-http.md` A16)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from generator.errors import AuthenticationError, NetworkError, RemoteError, ResponseError
from generator.instance.calls import Answer

NO_RESOURCE = "instance-endpoint-missing"
CANCELLED = "instance-transaction-cancelled"
NOT_FOUND = "instance-not-found"

_LARGEST_REFUSAL = 256 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to say no."""

    code: str
    what: str
    step: str
    error: type[RemoteError] = ResponseError
    is_about_credentials: bool = False
    """Whether the way to sign in is what has to change."""


_BY_TEXT: tuple[tuple[tuple[int, ...], str, Refusal], ...] = (
    (
        (400, 404),
        "does not represent any resource",
        Refusal(
            NO_RESOURCE,
            "the instance has no such endpoint: the plugin or application behind it is not active",
            "have it activated",
        ),
    ),
    (
        (400,),
        "invalid table",
        Refusal(
            "instance-invalid-table",
            "the instance has no such table, or hides it from web services",
            "check that the plugin that brings it is active",
        ),
    ),
    (
        (403,),
        "aborted by business rule",
        Refusal(
            "instance-business-rule",
            "a business rule of the instance refused; the credentials are not the problem",
            "look at the named rule on the instance",
        ),
    ),
    (
        (403,),
        "failed api level acl validation",
        Refusal(
            "instance-table-acl",
            "an access rule closes this table or API to this user",
            "give the user the role that opens it",
            AuthenticationError,
        ),
    ),
    (
        (403,),
        "acl exception",
        Refusal(
            "instance-row-acl",
            "an access rule refused this record",
            "give the user the role that may write it (ACL records want security_admin)",
            AuthenticationError,
        ),
    ),
    (
        (403,),
        "insufficient rights to query",
        Refusal(
            "instance-query-acl",
            "the query names a table or column that this user may not read, so that nothing was "
            "looked for",
            "give the user a role that reads what the query names; a query ACL of the instance "
            "decides",
            AuthenticationError,
        ),
    ),
    (
        (500,),
        "transaction cancelled",
        Refusal(
            CANCELLED,
            "the instance cancelled the transaction because it took too long",
            "try again when the instance is less busy",
        ),
    ),
)

_BY_STATUS: dict[int, Refusal] = {
    400: Refusal(
        "instance-bad-request",
        "the instance could not read the request",
        "report this with the instance's own text",
    ),
    401: Refusal(
        "instance-not-signed-in",
        "the instance does not accept the credentials",
        "check the user and the source of its password",
        AuthenticationError,
        is_about_credentials=True,
    ),
    403: Refusal(
        "instance-forbidden",
        "this user may not do this",
        "check the user's roles and, with OAuth, the REST API auth scopes",
        AuthenticationError,
    ),
    404: Refusal(
        NOT_FOUND,
        "there is no such record, or this user may not see it",
        "check the user's roles",
    ),
    405: Refusal(
        "instance-method",
        "the instance does not serve this method there; the functionality may be inactive",
        "check that the plugin behind it is active",
    ),
    407: Refusal(
        "instance-proxy",
        "the proxy wants credentials",
        "use a proxy that lets this machine pass, as instance.proxy",
        NetworkError,
    ),
}


def refusal(answer: Answer, message: str, detail: str) -> Refusal:
    """What a status of 400 or above means.

    Args:
        answer: The answer.
        message: The platform's own text.
        detail: Its second part.
    """
    text = f"{message} {detail}".lower()
    for statuses, mark, meaning in _BY_TEXT:
        if answer.status in statuses and mark in text:
            return meaning
    if answer.status == 401 and "x-mfa_token" in answer.headers:
        return Refusal(
            "instance-mfa",
            "the instance wants a second factor from this user",
            "use OAuth or an API key, or put the user into the group 'MFA Exempted User Group'",
            AuthenticationError,
        )
    if answer.status in _BY_STATUS:
        return _BY_STATUS[answer.status]
    if answer.status >= 500:
        what, step = "the instance failed", "look at the instance's logs for the transaction"
        return Refusal("instance-server-error", what, step)
    what = f"the instance refused with status {answer.status}"
    return Refusal("instance-refused-request", what, "report this with the instance's own text")


def platform_text(answer: Answer) -> tuple[str, str]:
    """Message and detail of an error body, in each shape that they have; "" where there is none.

    Shapes: `{"error":{"message","detail"}}`, `{"result":{"error":{"message"}}}` (SDK endpoints),
    `{"error":"invalid_client","error_description":"..."}` (OAuth).
    """
    if not answer.is_json or len(answer.body) > _LARGEST_REFUSAL:
        return "", ""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error")
    result = document.get("result")
    if error is None and isinstance(result, dict):
        error = result.get("error")
    if isinstance(error, dict):
        return _text(error.get("message")), _text(error.get("detail"))
    return _text(error), _text(document.get("error_description"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
