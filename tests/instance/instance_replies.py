"""An adapter that answers from a script, and instances that talk to it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from urllib.parse import parse_qsl, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from generator.clock import SteppedClock
from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.instance.http_instance import HttpInstance, open_instance
from generator.secrets.interface import Secret

URL = "https://dev1.example.com"
START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

PASSWORD = "pa" + "ss wörd-" + "4711"
KEY = "ap" + "ikey-" + "8" * 24
CLIENT_SECRET = "cl" + "ient-" + "s" * 24
SECRETS = {
    "env:PASSWORD": PASSWORD,
    "env:KEY": KEY,
    "env:CLIENT_SECRET": CLIENT_SECRET,
}

BASIC = AuthSettings(AuthMethod.BASIC, user="admin", password_from="env:PASSWORD")
API_KEY = AuthSettings(AuthMethod.API_KEY, api_key_from="env:KEY")
CLIENT = AuthSettings(
    AuthMethod.OAUTH_CLIENT_CREDENTIALS, client_id="c1", client_secret_from="env:CLIENT_SECRET"
)
PASSWORD_GRANT = AuthSettings(
    AuthMethod.OAUTH_PASSWORD,
    user="admin",
    password_from="env:PASSWORD",
    client_id="c1",
    client_secret_from="env:CLIENT_SECRET",
)

ID = "0123456789abcdef0123456789abcdef"
OTHER_ID = "fedcba9876543210fedcba9876543210"
TOKEN = "5a" * 36
NEW_TOKEN = "6b" * 36


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the script."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it left."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    proxies: object = None

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


Step = Reply | Exception | Callable[[Sent], Reply]


class _Original:
    """What `requests` reads cookies from."""

    def __init__(self, headers: Sequence[tuple[str, str]]) -> None:
        self.msg = Message()
        for name, value in headers:
            self.msg[name] = value

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        pass


class Replies(HTTPAdapter):
    """Answers in the order of its script; a request too many is a failure of the test."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self.steps = list(steps)
        self.sent: list[Sent] = []

    def send(self, request: PreparedRequest, *_: object, **options: object) -> Response:  # type: ignore[override]
        body = request.body
        if body is None:
            data = b""
        elif isinstance(body, str | bytes):
            data = body.encode() if isinstance(body, str) else body
        else:
            pieces = iter(lambda: body.read(1000), b"")  # type: ignore[attr-defined]
            data = b"".join(pieces)
        sent = Sent(
            request.method or "",
            request.url or "",
            dict(request.headers),
            data,
            options.get("proxies"),
        )
        self.sent.append(sent)
        assert self.steps, f"nothing was expected any more: {sent.method} {sent.url}"
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        reply = step(sent) if callable(step) else step
        headers = HTTPHeaderDict(reply.headers)
        headers.setdefault("Content-Length", str(len(reply.body)))
        raw = HTTPResponse(
            io.BytesIO(reply.body), headers=headers, status=reply.status, preload_content=False
        )
        raw._original_response = _Original(reply.headers)  # type: ignore[assignment]
        return self.build_response(request, raw)

    def paths(self) -> list[str]:
        """Methods and paths of all requests."""
        return [f"{sent.method} {sent.path}" for sent in self.sent]


@dataclass
class Bench:
    """An instance over a script, with its clock and log."""

    instance: HttpInstance
    replies: Replies
    clock: SteppedClock
    log: list[str] = field(default_factory=list)


def bench(
    *steps: Step,
    auth: AuthSettings | None = BASIC,
    upload_auth: AuthSettings | None = None,
    budget: float = 900.0,
    url: str = URL,
    proxy: str | None = None,
    secrets: Mapping[str, str] = SECRETS,
    override: str | None = None,
) -> Bench:
    """An instance whose answers are the given ones."""
    replies = Replies(*steps)
    clock = SteppedClock(START)
    log: list[str] = []
    instance = open_instance(
        InstanceSettings(auth=auth, upload_auth=upload_auth, proxy=proxy),
        url=url,
        clock=clock,
        secrets=lambda source: Secret(secrets[source]),
        budget_seconds=budget,
        log=log.append,
        adapter=replies,
        override_url=override,
    )
    return Bench(instance, replies, clock, log)


def said(document: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    content = ("Content-Type", "application/json;charset=UTF-8")
    marks = (content, ("X-Transaction-ID", "0123456789ab"), *named)
    return Reply(status, json.dumps(document).encode(), marks)


def error(status: int, message: str, detail: str | None = None, **headers: str) -> Reply:
    """An error body of the platform."""
    body = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return said(body, status, **headers)


def page(text: str, status: int = 200, **headers: str) -> Reply:
    """An HTML answer."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, text.encode(), (("Content-Type", "text/html;charset=UTF-8"), *named))


def rows(*found: Mapping[str, str], total: int | None = None) -> Reply:
    """Rows of the Table API."""
    return said({"result": list(found)}, X_Total_Count=str(len(found) if total is None else total))


def part(number: int, reply: Reply) -> dict[str, object]:
    """A reply as a served part of a batch."""
    return {
        "id": str(number),
        "status_code": reply.status,
        "body": base64.b64encode(reply.body).decode(),
        "headers": [{"name": name, "value": value} for name, value in reply.headers],
    }


def batch(parts: Sequence[Mapping[str, object]], unserved: Sequence[str] = ()) -> Reply:
    """An answer of the batch API."""
    return said(
        {
            "batch_request_id": "1",
            "serviced_requests": list(parts),
            "unserviced_requests": list(unserved),
        }
    )


NOT_SIGNED_IN = error(
    401,
    "User Not Authenticated",
    "Required to provide Auth information",
    WWW_Authenticate='BASIC realm="Service-now"',
)
LOGGED_IN = said({"status": "success"}, Set_Cookie="JSESSIONID=abc; Path=/; Secure; HttpOnly")


def upload_page(token: str = TOKEN, *, logged_in: str = "true") -> Reply:
    """The upload form; attributes in the order in which real pages have them, or not."""
    text = (
        f'<html><body><form><input value="{token}" type="hidden" name="sysparm_ck"/>'
        "</form></body></html>"
    )
    return page(text, X_Is_Logged_In=logged_in)


def processor(answer: str | None) -> Reply:
    """An answer of xmlhttp.do."""
    mark = "" if answer is None else f' answer="{answer}"'
    text = f'<?xml version="1.0" encoding="UTF-8"?><xml{mark} sysparm_max="15"/>'
    return Reply(200, text.encode(), (("Content-Type", "text/xml;charset=UTF-8"),))


HIBERNATING = page(
    "<html><head><title>Instance Hibernating page</title></head>"
    "<body>Your instance is hibernating</body></html>",
    Server="snow_adc",
)
LOGIN_PAGE = page('<html><title>Log in</title><form><input name="user_password"></form></html>')
SIGN_ON = Reply(302, b"", (("Location", "https://login.elsewhere.example/saml2?SAMLRequest=x"),))
STALE = Reply(302, b"", (("Location", f"{URL}/security_interceptor.do"),))
