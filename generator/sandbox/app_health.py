"""What the app's own check answers: `templates/scripts/SmtpOAuthHealth.js`, once more in Python.

The sandbox runs no script. Statuses, their order and the texts are the script's; what the
platform says where it gives no token is [INF].
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.sandbox.context import Json
from generator.sandbox.database import Row
from generator.sandbox.instance_mail import ACCOUNTS, read_property
from generator.sandbox.oauth_client import Answer, request_token

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

STAMP = "%Y-%m-%d %H:%M:%S"
_DEFAULT_WARN_DAYS = 30
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NAMED = re.compile(r"""(_token|_secret|assertion)(["']?\s*[:=]\s*["']?)[^\s"',;&}]{16,}""", re.I)
_BEARER = re.compile(r"""(bearer\s+)[^\s"',;&}]{16,}""", re.I)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]*)*")
_RUN = re.compile(r"(https?://)?[A-Za-z0-9_.~+/=\-]{32,}")
_KNOWN = re.compile(r"([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\.?", re.I)


@dataclass(slots=True)
class Result:
    """What the check answers; the fields are the script's."""

    ok: bool = False
    status: str = "error"
    message: str = ""
    token_expires_on: str = ""
    secret_days_left: int | str = ""
    secret_expires_on: str = ""
    account: str = ""
    test_queued: bool = False

    record: Row | None = field(default=None, repr=False)
    """Row of the account, once a token came."""

    def to_json(self) -> dict[str, Json]:
        """The object under `result`."""
        return {
            "ok": self.ok,
            "status": self.status,
            "message": self.message,
            "token_expires_on": self.token_expires_on,
            "secret_days_left": self.secret_days_left,
            "secret_expires_on": self.secret_expires_on,
            "account": self.account,
            "test_queued": self.test_queued,
        }

    def conclude(self, status: str, *sentences: str) -> Result:
        """Set status and message."""
        self.status, self.message = status, "".join(sentences)
        self.ok = status in ("ok", "secret_expires")
        return self


@dataclass(frozen=True, slots=True)
class _Secret:
    """What the properties of the app say about the client secret."""

    days_left: int | str = ""
    ends: bool = False
    note: str = ""
    expires_on: str = ""


def check(sandbox: Sandbox, *, scope: str, account: str) -> Result:
    """Check an account as the app does.

    Args:
        sandbox: The instance.
        scope: The app's scope.
        account: sys_id of the email account.
    """
    secret = _secret(sandbox, scope)
    result = Result(
        account=account, secret_days_left=secret.days_left, secret_expires_on=secret.expires_on
    )
    row = sandbox.database.get(ACCOUNTS, account)
    if row is None:
        return result.conclude("error", _missing(ACCOUNTS, account, "email account"))
    name = f"email account {clean(row.get('name', ''))}"
    if row.get("type", "").lower() != "smtp":
        text = f"The {name} is not an SMTP account. Next: choose the account that sends mail."
        return result.conclude("error", text)
    if row.get("authentication", "").lower() != "oauth2":
        return result.conclude(
            "not_oauth",
            f"The {name} does not use OAuth 2.0. Next: set its authentication to OAuth 2.0 and "
            "choose its OAuth profile.",
        )
    profile = row.get("oauth_profile", "")
    if not profile:
        return result.conclude(
            "error",
            f"The {name} names no OAuth profile. Next: choose one in the account; if the field is "
            "not there, activate the plugin com.glide.email.oauth first.",
        )
    if sandbox.database.get("oauth_entity_profile", profile) is None:
        what = "OAuth profile of the email account"
        return result.conclude("error", _missing("oauth_entity_profile", profile, what))
    return _ask(sandbox, result, row, name=name, secret=secret)


def _ask(sandbox: Sandbox, result: Result, row: Row, *, name: str, secret: _Secret) -> Result:
    answer = request_token(sandbox, row)
    if not answer.granted:
        return result.conclude(
            "no_token",
            f"The provider gave no token for the {name}: {_reason(answer)}{secret.note} Next: "
            "enter the client secret of the application registry entry on this instance (it never "
            "comes with an update set), then check tenant, client ID and scope.",
        )
    result.record = row
    if answer.expires is not None:
        result.token_expires_on = answer.expires.strftime(STAMP)
    until = f"; this one is valid until {result.token_expires_on} UTC."
    valid = f"The {name} gets new tokens{until if result.token_expires_on else '.'}"
    if row.get("active") not in ("1", "true"):
        return result.conclude(
            "inactive",
            f"{valid} The account is inactive: nothing is sent through it.{secret.note} Next: "
            "activate it when the time has come.",
        )
    if secret.ends:
        return result.conclude(
            "secret_expires",
            f"{valid}{secret.note} Next: make a new client secret and enter it on this instance.",
        )
    return result.conclude("ok", valid, secret.note)


def _missing(table: str, sys_id: str, what: str) -> str:
    return (
        f"The {what} with the sys_id {clean(sys_id)} is missing in {table}, or kept from this "
        "application. Next: choose one that exists."
    )


def _secret(sandbox: Sandbox, scope: str) -> _Secret:
    name = f"{scope}.secret_expires_on"
    written = read_property(sandbox, name)
    given = read_property(sandbox, f"{scope}.warn_days")
    warn_days = int(given) if re.fullmatch(r"[0-9]{1,5}", given) else _DEFAULT_WARN_DAYS
    if not written:
        return _Secret()
    try:
        end = datetime.strptime(written, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return _Secret(
            note=f" The property {name} is not a time YYYY-MM-DD HH:MM:SS, so the end of the "
            "secret is not watched."
        )
    days = math.floor((end - sandbox.clock.now()).total_seconds() / 86_400)
    note = ""
    if days < 0:
        note = f" The client secret ended on {written} UTC."
    elif days <= warn_days:
        note = f" The client secret ends on {written} UTC, days left: {days}."
    return _Secret(days, days <= warn_days, note, written)


def _reason(answer: Answer) -> str:
    parts = [f"HTTP {answer.status}"] if answer.status else []
    parts += [clean(text) for text in (answer.said, answer.error) if text]
    if not answer.said and not answer.error:
        parts.append("it gave no reason")
    return re.sub(r"[.\s]+$", "", ", ".join(parts)) + "."


def clean(value: str) -> str:
    """One line of at most 1,000 characters, and nothing in it that looks like a token or secret."""
    found = _CONTROLS.sub(" ", value.strip())
    found = _NAMED.sub(r"\1\2[removed]", found)
    found = _BEARER.sub(r"\1[removed]", found)
    found = _JWT.sub("[removed]", found)
    return _RUN.sub(_hidden, found)[:1000]


def _hidden(match: re.Match[str]) -> str:
    parts = match[0].split("/") if match[1] else [match[0]]
    return "/".join("[removed]" if _is_suspect(part) else part for part in parts)


def _is_suspect(part: str) -> bool:
    if _KNOWN.fullmatch(part):
        return False
    return len(part) >= 64 or (len(part) >= 32 and re.search("[0-9]", part) is not None)
