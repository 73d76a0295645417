"""The app's own check, asked over its REST API: does the instance still get a token?

`generator.integration.app_api` describes the API, `templates/scripts/SmtpOAuthHealth.js` what
each status means. The check always asks the provider for a new token, so an answer that a token
came proves the client secret on the instance, whether the account is active or not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from generator.errors import (
    Fault,
    InternalError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
    UsageError,
    VerificationFailed,
)
from generator.instance.calls import printable
from generator.instance.interface import AppAnswer, Instance
from generator.integration import app_api

_ACCOUNT = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ADDRESS = re.compile(app_api.ADDRESS_PATTERN, re.ASCII)
_MARKER = re.compile(app_api.MARKER_PATTERN, re.ASCII)
_STAMP = "%Y-%m-%d %H:%M:%S"


class HealthStatus(StrEnum):
    """What the app's check came to; the first that fits."""

    ERROR = "error"
    """The check itself failed: a record is missing or closed, a method is."""

    NOT_OAUTH = "not_oauth"
    """The account does not use OAuth 2.0."""

    NO_TOKEN = "no_token"  # noqa: S105 - a status
    """The provider refused a token."""

    INACTIVE = "inactive"
    """A token came, and the account is not active: nothing leaves through it."""

    SECRET_EXPIRES = "secret_expires"  # noqa: S105 - a status
    """A token came; the client secret has ended or soon will, by the app's property."""

    OK = "ok"
    """A token came, and the account is active."""


_GRANTED = (HealthStatus.INACTIVE, HealthStatus.SECRET_EXPIRES, HealthStatus.OK)
_GOOD = (HealthStatus.SECRET_EXPIRES, HealthStatus.OK)


@dataclass(frozen=True, slots=True)
class Health:
    """What the app's check answered."""

    ok: bool
    """Whether the status is `ok` or `secret_expires`."""

    status: HealthStatus
    message: str
    """What was found and what to do next, in the app's words; no token, no secret."""

    token_expires_on: datetime | None
    """End of the new token, aware, UTC; None if none came, or without an end."""

    secret_days_left: int | None
    """Whole days until the client secret ends, negative once it has; None if nobody said when."""

    secret_expires_on: datetime | None
    """End of the client secret by the app's property, aware, UTC; None if nobody said."""

    test_queued: bool
    """Whether a test message was queued; that it leaves is not known by that."""

    @property
    def granted(self) -> bool:
        """Whether the provider gave a new token: the secret on the instance is right."""
        return self.status in _GRANTED


class AppUnavailable(VerificationFailed):
    """The app on the instance cannot be asked: absent, older than this API, or closed to us."""


def ask_health(instance: Instance, *, scope: str, account: str, update: str = "") -> Health:
    """Ask the app's check about one email account.

    Args:
        instance: Where the app is.
        scope: The app's scope.
        account: sys_id of the email account.
        update: The calls that bring this version's package there, to be copied.

    Raises:
        AppUnavailable: The app is not there, is older than this API, or refuses this user.
        RemoteError: No clear answer came.
    """
    query = {"account": _checked_account(account)}
    path = app_api.base_uri(scope) + app_api.HEALTH
    answer = instance.call_app("GET", path, query=query)
    return _health(answer, scope=scope, account=account, path=f"GET {path}", update=update)


def queue_test(
    instance: Instance, *, scope: str, account: str, to: str, marker: str, update: str = ""
) -> Health:
    """Ask the app's check about an account, and for a test message if it is well.

    Args:
        instance: Where the app is.
        scope: The app's scope.
        account: sys_id of the email account.
        to: One address.
        marker: What stands in square brackets in the subject (`app_api.MARKER_PATTERN`).
        update: The calls that bring this version's package there, to be copied.

    Raises:
        UsageError: `to` is not one address; nothing was sent.
        AppUnavailable: The app is not there, is older than this API, or refuses this user.
        OutcomeUnknown: The call was sent and its answer lost: a message may be queued.
        RemoteError: No clear answer came.
    """
    if not is_address(to):
        raise UsageError(
            Fault(
                "test-address",
                f"A test message goes to one address, and this is none: "
                f"{printable(ascii(to), limit=80)}.",
                next="give one address, like mail@example.com, of plain letters",
            )
        )
    if not _MARKER.fullmatch(marker):
        raise InternalError(
            Fault("test-marker", "A marker holds other characters.", next="report this")
        )
    body = {"account": _checked_account(account), "to": to, "marker": marker}
    path = app_api.base_uri(scope) + app_api.TEST
    answer = instance.call_app("POST", path, body=body)
    return _health(answer, scope=scope, account=account, path=f"POST {path}", update=update)


def is_address(text: str) -> bool:
    """Whether a text is one address that a test message can go to."""
    return _ADDRESS.fullmatch(text) is not None


def _checked_account(account: str) -> str:
    if _ACCOUNT.fullmatch(account):
        return account
    raise InternalError(
        Fault("account-sys-id", "The sys_id of the account is none.", next="report this")
    )


def _health(answer: AppAnswer, *, scope: str, account: str, path: str, update: str) -> Health:
    if answer.status >= 300:
        raise _unavailable(answer, scope=scope, path=path, update=update)
    result = answer.result
    try:
        status = HealthStatus(str(result.get("status")))
    except ValueError:
        raise _unclear(path, "its status is none that this version knows") from None
    ok = result.get("ok")
    if ok is not (status in _GOOD):
        raise _unclear(path, f"it says ok {ok!r} with the status {status.value}")
    if result.get("account") != account:
        raise _unclear(path, "it is about another email account")
    queued = result.get("test_queued")
    if not isinstance(queued, bool):
        raise _unclear(path, "it does not say whether a test message was queued")
    return Health(
        ok=ok,
        status=status,
        message=_text(result, "message"),
        token_expires_on=_moment(result, "token_expires_on", path=path),
        secret_days_left=_days(result, path=path),
        secret_expires_on=_moment(result, "secret_expires_on", path=path),
        test_queued=queued,
    )


def _text(result: Mapping[str, object], name: str) -> str:
    value = result.get(name)
    return value if isinstance(value, str) else ""


def _moment(result: Mapping[str, object], name: str, *, path: str) -> datetime | None:
    text = _text(result, name)
    if not text:
        return None
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise _unclear(path, f"{name} is not a time YYYY-MM-DD HH:MM:SS") from None


def _days(result: Mapping[str, object], *, path: str) -> int | None:
    value = result.get("secret_days_left")
    if value is None or value == "":
        return None
    # A script's numbers may come as 12.0.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _unclear(path, "secret_days_left is no number")


def _unclear(path: str, why: str) -> RemoteError:
    kind = OutcomeUnknown if path.startswith("POST") else ResponseError
    return kind(
        Fault(
            "app-answer",
            f"The app's check answered ({path}), but not as this version expects: {why}.",
            next="import the package of this version, then ask again",
        ),
        status=200,
    )


def _unavailable(answer: AppAnswer, *, scope: str, path: str, update: str) -> AppUnavailable:
    said = f' The instance says: "{answer.message}".' if answer.message else ""
    where = f"({path}: status {answer.status})"
    calls = f" ({update})" if update else ""
    if answer.status in (404, 405) or app_api.NO_RESOURCE_TEXT in answer.message.lower():
        return AppUnavailable(
            Fault(
                "app-missing",
                f"The app {scope} on the instance has no such REST resource {where}: it is not "
                f"imported, inactive, or of an earlier version.{said}",
                next=f"render and import the package of this version{calls}; the Scripted REST API "
                "smtp_oauth must be active",
            )
        )
    if answer.status == 403:
        return AppUnavailable(
            Fault(
                "app-role",
                f"The app {scope} does not answer this user {where}.{said}",
                next=f"give the user the role {app_api.role_name(scope)} (or admin); the "
                "platform's default REST rule also shuts out users with the role snc_external",
            )
        )
    return AppUnavailable(
        Fault(
            "app-refused",
            f"The app {scope} did not understand the call {where}: it is likely of another "
            f"version.{said}",
            next=f"render and import the package of this version{calls}",
        )
    )
