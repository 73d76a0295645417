"""A token from Microsoft Entra ID with a client secret (`spec/azure-and-smtp.md` 5.2, 6.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from generator.errors import Fault, VerificationFailed
from generator.mail.entra_errors import causes_of
from generator.mail.hidden import Hidden
from generator.mail.https import HttpAnswer, post_form, unusable
from generator.mail.interface import Cause
from generator.mail.network import Network
from generator.mail.settings import MailSettings
from generator.mail.trouble import BadAnswer, Place, Trouble
from generator.scrubbing import printable
from generator.secrets.interface import Secret

_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
"""RFC 6750 2.1: nothing that could end the blob of XOAUTH2, or a line."""

LONGEST_TOKEN = 16 * 1024
"""Characters; real ones have some 2,300, and more with many roles."""

_UNSAID = timedelta(hours=1)
"""What a token lives where `expires_in` is missing, which RFC 6749 5.1 allows."""

_LONGEST_LIFE = 7 * 86_400
_CODE_IN_TEXT = re.compile(r"AADSTS(\d{4,9})", re.ASCII)
_LATER = frozenset({429, 500, 502, 503, 504})
"""Statuses that ask to try again."""

_BUSY = "temporarily_unavailable"
_SHOWN = 600
"""Characters of Entra's own text that are shown."""


class Token:
    """An access token in memory: it has no `str`, no `repr` and no pickle that shows it."""

    __slots__ = ("_value", "answered_at", "expires_on", "server_date")

    def __init__(
        self,
        value: str,
        *,
        expires_on: datetime,
        answered_at: datetime,
        server_date: datetime | None = None,
    ) -> None:
        """Args: value: The token. expires_on, answered_at: By our clock. server_date: `Date`."""
        self._value = value
        self.expires_on = expires_on
        self.answered_at = answered_at
        self.server_date = server_date

    def reveal(self) -> str:
        """The token itself, for the one command that carries it."""
        return self._value

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Token(...)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        """Never leaves the process."""
        raise TypeError("a token is not pickled")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Entra gave no token."""

    status: int
    """HTTP status."""

    error: str
    """OAuth's word: `invalid_client`."""

    codes: tuple[int, ...]
    """AADSTS numbers; empty if there are none."""

    text: str
    """Entra's own words, without secrets, with trace and correlation ID."""

    causes: tuple[Cause, ...]
    """What explains it, the likeliest first."""

    code: str
    """Stable identifier: `aadsts-7000215`."""

    correlation_id: str = ""
    """By which Entra's sign-in logs are searched."""


class TokenRefused(VerificationFailed):
    """Microsoft Entra ID gave no token, and said why (exit 6)."""

    def __init__(self, refusal: Refusal) -> None:
        """Args: refusal: What it said."""
        first = refusal.causes[0]
        said = refusal.text or f"status {refusal.status}, {refusal.error}"
        super().__init__(
            Fault(
                refusal.code,
                f"Microsoft Entra ID gives no token: {first.what} It says: {said}",
                next=first.fix,
            )
        )
        self.refusal = refusal


def entra_place(settings: MailSettings, *, network: Network) -> Place:
    """What messages call the token endpoint."""
    host = settings.login_host
    proxied = network.proxy_for(host) is not None
    return Place("entra", host, settings.login_port, "azure.endpoints.login", proxied)


def request_token(settings: MailSettings, secret: Secret, *, network: Network) -> Token:
    """Ask Microsoft Entra ID for a token with the client secret.

    An answer that asks to try again (429, 5xx) is followed, within `network.patience_seconds`.

    Args:
        settings: Whose token, where.
        secret: The client secret; it goes nowhere but into the body of the request.
        network: How the endpoint is reached.

    Raises:
        TokenRefused: Entra said no.
        NoAnswer, BadAnswer: No clear answer came (both are `RemoteError`).
        ConfigError: The file of the stand-ins' authority cannot be used.
    """
    place = entra_place(settings, network=network)
    fields = {
        "client_id": settings.client_id,
        "client_secret": secret.reveal(),
        "scope": settings.scope,
        "grant_type": "client_credentials",
    }
    hidden = Hidden(secret.reveal())
    waited, pause = 0.0, 1.0
    while True:
        answer = post_form(settings.token_url, fields, network=network, place=place)
        asked = _retry_after(answer)
        wait = pause if asked is None else max(pause, asked)
        if answer.status not in _LATER or waited + wait > network.patience_seconds:
            break
        network.clock.sleep(wait)
        waited, pause = waited + wait, pause * 2
    if answer.status == 200:
        return _token(answer, place=place, network=network)
    raise _refused(answer, settings=settings, place=place, hidden=hidden)


def _retry_after(answer: HttpAnswer) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _token(answer: HttpAnswer, *, place: Place, network: Network) -> Token:
    body = _object(answer)
    if body is None:
        raise BadAnswer(unusable(place, "not-json", "The token endpoint's answer is no JSON."))
    value, kind = body.get("access_token"), body.get("token_type")
    fits = isinstance(value, str) and len(value) <= LONGEST_TOKEN and _BEARER.fullmatch(value)
    if not (isinstance(value, str) and fits and isinstance(kind, str) and kind.lower() == "bearer"):
        what = "The token endpoint answered 200 without a bearer token that can be used."
        raise BadAnswer(unusable(place, "no-token", what), status=200)
    now = network.clock.now()
    return Token(value, expires_on=now + _life(body), answered_at=now, server_date=answer.date)


def _life(body: Mapping[str, object]) -> timedelta:
    said = body.get("expires_in")
    if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 10:
        said = int(said)
    if isinstance(said, bool) or not isinstance(said, int) or said <= 0:
        return _UNSAID
    return timedelta(seconds=min(said, _LONGEST_LIFE))


def _refused(
    answer: HttpAnswer, *, settings: MailSettings, place: Place, hidden: Hidden
) -> TokenRefused | BadAnswer:
    body = _object(answer)
    if 300 <= answer.status < 400:
        what = f"The token endpoint redirects (status {answer.status}), which none does."
        return BadAnswer(unusable(place, "redirect", what), status=answer.status)
    error = body.get("error") if body else None
    if body is None or not isinstance(error, str):
        if answer.status in _LATER:
            return BadAnswer(_busy(answer), status=answer.status)
        what = (
            f"The token endpoint answered with status {answer.status}, and not as Microsoft "
            "Entra ID does."
        )
        return BadAnswer(unusable(place, "not-json", what), status=answer.status)
    text = _text(body, "error_description")
    codes = _codes(body, text)
    if not codes and answer.status in _LATER:
        error = _BUSY
    code, causes = causes_of(codes, error, settings=settings)
    said = hidden.clean(text, limit=_SHOWN)
    for name, label in (("trace_id", "Trace ID"), ("correlation_id", "Correlation ID")):
        one = hidden.clean(_text(body, name), limit=64)
        if one and one not in said:
            said = f"{said} {label}: {one}".strip()
    return TokenRefused(
        Refusal(
            status=answer.status,
            error=hidden.clean(error, limit=64),
            codes=codes,
            text=said,
            causes=causes,
            code=printable(code, limit=64),
            correlation_id=hidden.clean(_text(body, "correlation_id"), limit=64),
        )
    )


def _busy(answer: HttpAnswer) -> Trouble:
    throttled = answer.status == 429
    return Trouble(
        "entra-throttled" if throttled else "entra-unavailable",
        f"The token endpoint keeps asking to try again later (status {answer.status}).",
        (
            Cause(
                "Too many tokens were asked for in a short time."
                if throttled
                else "Microsoft Entra ID, or a proxy on the way, is not available.",
                "Try again later; see https://status.cloud.microsoft",
            ),
        ),
    )


def _codes(body: Mapping[str, object], text: str) -> tuple[int, ...]:
    found = body.get("error_codes")
    listed = found if isinstance(found, list) else []
    numbers = [one for one in listed[:8] if type(one) is int and 0 < one < 10**9]
    # Some gateways leave the list out; the text opens with the code all the same.
    return tuple(numbers) or tuple(int(one) for one in _CODE_IN_TEXT.findall(text)[:1])


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _object(answer: HttpAnswer) -> Mapping[str, object] | None:
    try:
        value: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
