"""Addresses of the app's own Scripted REST API, in one place for app, client and sandbox.

`GET  /api/<scope>/smtp_oauth/health?account=<sys_id>` asks the app's own check for an account.
`POST /api/<scope>/smtp_oauth/test` with `account`, `to` and `marker` queues a test message as well.

Both answer 200 with `{"result": {...}}`: `ok`, `status`, `message`, `token_expires_on`,
`secret_days_left`, `secret_expires_on`, `account`, `test_queued`. A caller without the app's role
gets 403, a call that is not understood 400, both with `{"error": {"message", "detail"}, "status":
"failure"}`, the form of the platform's own errors.
"""

from __future__ import annotations

SERVICE = "smtp_oauth"
"""`service_id` of the Scripted REST API."""

HEALTH = "/health"
"""Relative path of the check."""

TEST = "/test"
"""Relative path of the test message."""

MARKER_PATTERN = r"[A-Za-z0-9-]{8,64}"
"""What a marker may be: it stands in the subject of the test message, in square brackets."""

ADDRESS_PATTERN = r"[!#-+\--:=?A-Z\[\]-~]{1,64}@[A-Za-z0-9.-]{1,190}"
"""What an address of a test message may be: one, of ASCII, without separators or quotes."""

ROLE_SUFFIX = "user"
"""End of the name of the app's role."""

NO_RESOURCE_TEXT = "does not represent any resource"
"""In the platform's own refusal of a path that nothing serves (`spec/instance-http.md` A16)."""


def role_name(scope: str) -> str:
    """The role whose holders the API answers, as it answers administrators."""
    return f"{scope}.{ROLE_SUFFIX}"


def base_uri(scope: str) -> str:
    """`/api/<scope>/smtp_oauth`."""
    return f"/api/{scope}/{SERVICE}"
