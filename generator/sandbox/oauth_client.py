"""The instance's own OAuth client: a new token for an email account, from the stand-in.

It takes what the records say: client ID, decrypted secret, token URL, grant and scopes of the
account's profile (`spec/flow-action.md` section 10). The token URL's host is the stand-in's,
whichever cloud it names; its path is kept, so that a wrong tenant is refused as Entra would.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from generator.azure.clouds import LOGIN_HOSTS
from generator.sandbox.database import Row
from generator.sandbox.instance_mail import KeptToken
from generator.sandbox.passwords import decrypt
from generator.secrets.deadline import within

if TYPE_CHECKING:
    import requests

    from generator.sandbox.instance import Sandbox
    from generator.sandbox.mail.stand_in import MailSandbox

MOST_SECONDS = 10.0
MOST_BYTES = 1_000_000
OUT_OF_REACH = (
    "no token endpoint is within reach of this sandbox; start it with its mail stand-ins "
    "(sn-smtp sandbox --mail --for ENV)"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a token request."""

    status: int = 0
    """HTTP status; 0 if there was no answer."""

    said: str = ""
    """Why there was none, in the instance's words [INF]."""

    error: str = ""
    """`error` and `error_description` of a refusal."""

    token: str = field(default="", repr=False)
    expires: datetime | None = None

    @property
    def granted(self) -> bool:
        """Whether a token came."""
        return bool(self.token)


def request_token(sandbox: Sandbox, account: Row) -> Answer:
    """Ask for a new token for an account, and keep it for the sender.

    Args:
        sandbox: The instance.
        account: Row of `sys_email_account`, with an OAuth profile.
    """
    database = sandbox.database
    profile = database.get("oauth_entity_profile", account.get("oauth_profile", ""))
    entity = None
    if profile is not None:
        entity = database.get("oauth_entity", profile.get("oauth_entity", ""))
    if profile is None or entity is None:
        return Answer(said="the OAuth profile names no application registry entry")
    if entity.get("active", "true") != "true":
        return Answer(said="the application registry entry is not active")
    mail = sandbox.mail_side.within_reach
    if mail is None:
        return Answer(said=OUT_OF_REACH)
    address = urlsplit(entity.get("token_url", ""))
    if address.hostname not in (*LOGIN_HOSTS, "localhost"):
        return Answer(said=f"java.net.UnknownHostException: {address.hostname or 'no host'}")
    form = {
        "client_id": entity.get("client_id", ""),
        # Another instance's ciphertext cannot be read here (A17): nothing right is sent.
        "client_secret": decrypt(sandbox, entity.get("client_secret", "")) or "",
        "grant_type": profile.get("grant_type", ""),
        "scope": " ".join(_scopes(sandbox, profile["sys_id"])),
    }
    asked_at = sandbox.clock.now()
    # A byte now and then would satisfy every other limit.
    ended = within(MOST_SECONDS, lambda: _ask(mail, address.path, form, asked_at=asked_at))
    if ended.result is None:
        kind = "too slow" if ended.error is None else type(ended.error).__name__
        return Answer(said=f"the token endpoint did not answer ({kind})")
    answer = ended.result
    if answer.granted and answer.expires is not None:
        sandbox.mail_side.keep(account["sys_id"], KeptToken(answer.token, answer.expires))
    return answer


def _scopes(sandbox: Sandbox, profile: str) -> list[str]:
    database = sandbox.database
    links = database.query("oauth_entity_profile_scope", f"oauth_entity_profile={profile}")
    found = (database.get("oauth_entity_scope", row.get("oauth_entity_scope", "")) for row in links)
    return [row.get("oauth_entity_scope", "") for row in found if row is not None]


def _ask(mail: MailSandbox, path: str, form: dict[str, str], *, asked_at: datetime) -> Answer:
    """One request.

    Raises:
        OSError: No answer came; its text may hold what was sent.
    """
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(mail.ca_file)
        response = session.post(
            f"{mail.entra_url}{path}",
            data=form,
            allow_redirects=False,
            timeout=MOST_SECONDS,
            stream=True,
        )
        with response:
            body = _read(response)
    return _understood(response.status_code, body, asked_at=asked_at)


def _read(response: requests.Response) -> bytes:
    """The body, within bounds.

    Raises:
        OSError: It has none.
    """
    taken = bytearray()
    for part in response.iter_content(4096):
        taken += part
        if len(taken) > MOST_BYTES:
            raise OSError
    return bytes(taken)


def _understood(status: int, body: bytes, *, asked_at: datetime) -> Answer:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Answer(status, "the token endpoint answered no JSON object")
    token, seconds = found.get("access_token"), found.get("expires_in")
    if status == 200 and isinstance(token, str) and token:
        lives = seconds if isinstance(seconds, int) and 0 < seconds < 10**9 else 0
        return Answer(status, token=token, expires=asked_at + timedelta(seconds=lives))
    parts = [found.get(name) for name in ("error", "error_description")]
    return Answer(status, error=": ".join(part for part in parts if isinstance(part, str) and part))
