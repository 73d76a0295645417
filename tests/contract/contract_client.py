"""A small client of the suite's own: what it sees is what an instance sent, not what we make of it.

Two kinds of session (`spec/instance-http.md` A2): `Rest` keeps no cookies, `Ui` has a jar and a
token. An `Answer` shows of itself only what may be printed: no cookie, no token, no password.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING

import requests
from requests.auth import HTTPBasicAuth

from generator.clock import Clock
from generator.secrets.interface import Secret

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

JSON = "application/json"
JSON_HEADERS = {"Accept": JSON, "Content-Type": JSON}
TIMEOUT = (10.0, 120.0)
"""Seconds to connect, and between two parts of an answer."""

MOST_TRIES = 5
RETRIED = frozenset({429, 502, 503, 504})

SHOWN_HEADERS = (
    "Content-Type",
    "Content-Length",
    "Location",
    "Server",
    "Allow",
    "Retry-After",
    "WWW-Authenticate",
    "X-Is-Logged-In",
    "X-SessionLoggedIn",
    "X-UserToken-AllowResubmit",
    "X-MFA_TOKEN",
    "X-Total-Count",
    "X-RateLimit-Limit",
    "X-RateLimit-Reset",
)
"""Headers whose values may be printed; of all others nothing is kept but the token of the UI."""

TOKEN = re.compile(r"[0-9a-f]{72}")
LONG_HEX = re.compile(r"[0-9A-Fa-f]{40,}")
CIPHERTEXT = re.compile("[\ufdd0-\ufdef]")
TAG = re.compile(r"<input\b[^>]*\bname=[\"']sysparm_ck[\"'][^>]*>", re.IGNORECASE)
VALUE = re.compile(r"\bvalue=[\"']([^\"']+)[\"']", re.IGNORECASE)
TITLE = re.compile(r"<title>([^<]*)</title>", re.IGNORECASE)

Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply, as it came."""

    method: str
    """The request's."""

    path: str
    """The request's, without query."""

    status: int
    """HTTP status."""

    headers: Mapping[str, str]
    """Of the headers those that may be printed."""

    names: frozenset[str]
    """Lower-case names of all headers."""

    ages: Mapping[str, str]
    """Cookie set by it to its `Max-Age` (empty without one); never a cookie's value."""

    text: str = field(repr=False)
    """The body; may hold a token, so it is printed by `shown` only."""

    token: Secret | None = field(repr=False)
    """Of the header `X-UserToken-Response`."""

    size: int
    """Bytes of the body."""

    @property
    def content_type(self) -> str:
        """Without parameters, lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        return self.content_type == JSON

    def json(self) -> dict[str, object]:
        """The body as a JSON object, or a failure that names the request."""
        assert self.is_json, f"{self.method} {self.path}: {self.status} is {self.content_type}"
        found = json.loads(self.text)
        assert isinstance(found, dict), f"{self.method} {self.path}: no JSON object"
        return found

    def result(self) -> dict[str, object]:
        """The `result` of a body that holds one object."""
        found = self.json().get("result")
        assert isinstance(found, dict), f"{self!r}: no object `result`: {self.shown()}"
        return found

    def rows(self) -> list[dict[str, object]]:
        """The `result` of a body that holds several rows."""
        found = self.json().get("result")
        assert isinstance(found, list), f"{self!r}: no list `result`: {self.shown()}"
        return found

    def error(self) -> tuple[str, str]:
        """Message and detail of an error body (A16), empty where there is none."""
        if not self.is_json:
            return "", ""
        try:
            found = self.json().get("error")
        except ValueError:
            return "", ""
        if not isinstance(found, dict):
            return "", ""
        return str(found.get("message") or ""), str(found.get("detail") or "")

    def shown(self, *, most: int = 200) -> str:
        """The body, fit for a report: short, one line, nothing that could be a secret."""
        if self.content_type == "text/html":
            title = TITLE.search(self.text)
            return f"HTML of {self.size} bytes" + (f", title {title[1]!r}" if title else "")
        return shown(self.text, most=most) if self.text else "empty"

    def line(self) -> str:
        """Status, type, redirection and body, for a report."""
        parts = [str(self.status), self.content_type or "no content type"]
        if "Location" in self.headers:
            parts.append(f"to {self.headers['Location']}")
        return f"{', '.join(parts)}: {self.shown()}"


def shown(text: str, *, most: int = 200) -> str:
    """Text of an instance, fit for a report."""
    if CIPHERTEXT.search(text):
        return f"a text of {len(text)} characters with ciphertext"
    clean = " ".join(LONG_HEX.sub("<hex>", text).split())
    return clean if len(clean) <= most else f"{clean[:most]} [...]"


@dataclass(slots=True)
class Target:
    """The instance that is asked."""

    url: str
    """Without path."""

    user: str
    """Who asks."""

    password: Secret
    """That user's."""

    clock: Clock
    """What waits between two polls; the sandbox's own moves at once."""

    may_write: bool
    """Whether `--write` was given, or it is the sandbox."""

    patient: bool
    """Whether minutes of idling are allowed (`--patient`)."""

    run: str
    """Eight random digits in the names of everything that is made."""

    client: tuple[str, Secret] | None = None
    """Client ID and secret for a token by client credentials, if there are any."""

    reader: tuple[str, Secret] | None = None
    """Name and password of a user without roles, if there is one."""

    sandbox: Sandbox | None = None
    """Set if the sandbox is asked."""

    def basic(self) -> Auth:
        """The user's name and password, in UTF-8."""
        return HTTPBasicAuth(self.user.encode(), self.password.reveal().encode())


def anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Nobody; also keeps `requests` from looking for a password in files of the user's."""
    return request


def bearer(token: Secret) -> Auth:
    """Whom an access token stands for."""

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token.reveal()}"
        return request

    return sign


class Unanswered(AssertionError):
    """No answer came."""


class Caller:
    """Sends requests to a target, one after the other, and follows no redirection."""

    def __init__(self, target: Target, *, keeps_cookies: bool) -> None:
        self.target = target
        self._session = requests.Session()
        self._session.headers.clear()
        self._session.headers["User-Agent"] = "sn-smtp-contract"
        if not keeps_cookies:
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if target.sandbox is not None:
            self._session.trust_env = False

    def call(
        self,
        method: str,
        path: str,
        *,
        auth: Auth,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        data: bytes | Mapping[str, str] | None = None,
        files: Sequence[tuple[str, tuple[str | None, bytes | str, str]]] | None = None,
    ) -> Answer:
        """Send one request; GET again on 429, 502, 503 and 504 (A2).

        Raises:
            Unanswered: No answer came; nothing of the request is told but method and path.
        """
        __tracebackhide__ = True  # its arguments hold secrets
        tries = MOST_TRIES if method == "GET" else 1
        for attempt in range(tries):
            failure = ""
            try:
                with self._session.request(
                    method,
                    self.target.url + path,
                    auth=auth,
                    headers=dict(headers or {}),
                    params=params,
                    data=data,
                    files=files,  # type: ignore[arg-type]  # None as a name makes it a field
                    timeout=TIMEOUT,
                    allow_redirects=False,
                ) as response:
                    answer = _answer(response, path)
            except requests.RequestException as error:
                failure = type(error).__name__
            if failure:
                raise Unanswered(f"{method} {path.partition('?')[0]}: {failure}")
            if answer.status not in RETRIED or attempt == tries - 1:
                break
            wait = answer.headers.get("Retry-After", "")
            self.target.clock.sleep(float(wait) if wait.isdigit() else 2.0**attempt)
        return answer

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


class Rest(Caller):
    """REST calls with name and password, without cookies."""

    def __init__(self, target: Target) -> None:
        super().__init__(target, keeps_cookies=False)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
    ) -> Answer:
        """One call with the headers that every REST call needs (A2), unless others are given."""
        data = None if body is None else json.dumps(body).encode()
        chosen = JSON_HEADERS if headers is None else headers
        signed = auth or self.target.basic()
        return self.call(method, path, auth=signed, headers=chosen, params=params, data=data)

    def get(self, path: str, **params: str) -> Answer:
        """Read."""
        return self.send("GET", path, params=params)

    def query(self, table: str, query: str, *, fields: str, limit: int = 100) -> Answer:
        """Read rows as they are stored (A15)."""
        return self.get(
            f"/api/now/table/{table}",
            sysparm_query=query,
            sysparm_fields=fields,
            sysparm_limit=str(limit),
            sysparm_exclude_reference_link="true",
        )

    def find(
        self, table: str, query: str, *, fields: str, limit: int = 100
    ) -> list[dict[str, str]]:
        """Rows as they are stored; fails unless they could be read."""
        answer = self.query(table, query, fields=fields, limit=limit)
        assert answer.status == 200, f"{table}: {answer.line()}"
        return [{name: str(value) for name, value in row.items()} for row in answer.rows()]

    def row(self, table: str, sys_id: str, *, fields: str = "") -> dict[str, str] | None:
        """A record, or None if there is none."""
        params = {"sysparm_exclude_reference_link": "true"}
        if fields:
            params["sysparm_fields"] = fields
        answer = self.send("GET", f"/api/now/table/{table}/{sys_id}", params=params)
        if answer.status == 404:
            return None
        assert answer.status == 200, f"{table}: {answer.line()}"
        return {name: str(value) for name, value in answer.result().items()}

    def count(self, table: str, query: str) -> int:
        """How many rows, by the stats API (A15)."""
        answer = self.get(f"/api/now/stats/{table}", sysparm_query=query, sysparm_count="true")
        assert answer.status == 200, f"{table}: {answer.line()}"
        stats = answer.result()["stats"]
        assert isinstance(stats, dict)
        return int(stats["count"])


class Ui(Caller):
    """A UI session: a jar and a token (A4)."""

    def __init__(self, target: Target) -> None:
        super().__init__(target, keeps_cookies=True)
        self._token: Secret | None = None

    @property
    def has_token(self) -> bool:
        """Whether a token was seen."""
        return self._token is not None

    @property
    def token(self) -> Secret:
        """The token that goes with the jar."""
        assert self._token is not None, "this UI session has no token"
        return self._token

    # The ways to open one, in the order of A4.

    def sign_in(self) -> Answer:
        """Way 1: name and password by `/angular.do`; the answer of the login."""
        __tracebackhide__ = True
        form = {
            "sysparm_type": "login",
            "ni.nolog.user_password": "true",
            "user_name": self.target.user,
            "user_password": self.target.password.reveal(),
        }
        path = "/angular.do?sysparm_type=view_form.login"
        answer = self.call("POST", path, auth=anonymous, data=form)
        self.ask_token()
        return answer

    def ask_token(self) -> Answer:
        """`get_user` without a token: 401 on purpose, with the token in a header."""
        answer = self.call("POST", "/angular.do?sysparm_type=get_user", auth=anonymous)
        self._token = answer.token or self._token
        return answer

    def exchange(self, access: Secret) -> Answer:
        """Way 2: an access token becomes a UI session; the answer that holds the token."""
        self.ask_token()
        params = {"sysparm_fields": "sys_id,sys_class_name", "sysparm_limit": "1"}
        self.call(
            "GET",
            "/api/now/table/sys_scope",
            auth=bearer(access),
            headers=JSON_HEADERS,
            params=params,
        )
        self._token = None
        return self.ask_token()

    def basic(self) -> Answer:
        """Way 3: Basic with a fresh jar; the answer of the REST read that opens it."""
        params = {"sysparm_fields": "sys_id", "sysparm_limit": "1"}
        path = "/api/now/table/sys_scope"
        signed = self.target.basic()
        return self.call("GET", path, auth=signed, headers=JSON_HEADERS, params=params)

    def form(self, *, password: Secret | None = None) -> Answer:
        """Way 4: the classic form; the answer of the login."""
        __tracebackhide__ = True
        token = token_of(self.call("GET", "/login.do", auth=anonymous))
        form = {
            "user_name": self.target.user,
            "user_password": (password or self.target.password).reveal(),
            "sys_action": "sysverb_login",
        }
        if token is not None:
            form["sysparm_ck"] = token.reveal()
        return self.call("POST", "/login.do", auth=anonymous, data=form)

    def page(self) -> Answer:
        """The upload page, which proves the session; keeps its token."""
        params = {
            "sysparm_referring_url": "sys_remote_update_set_list.do",
            "sysparm_target": "sys_remote_update_set",
        }
        answer = self.call("GET", "/upload.do", auth=anonymous, params=params)
        self._token = token_of(answer) or self._token
        return answer

    # What it is for.

    def upload(
        self,
        content: bytes,
        *,
        name: str,
        token: Secret | None = None,
        file_first: bool = False,
        in_header: bool = True,
    ) -> Answer:
        """Send a file to the upload processor (A6)."""
        __tracebackhide__ = True
        given = (token or self.token).reveal()
        fields: list[tuple[str, tuple[str | None, bytes | str, str]]] = [
            ("sysparm_ck", (None, given, "")),
            ("sysparm_upload_prefix", (None, "", "")),
            ("sysparm_referring_url", (None, "sys_remote_update_set_list.do", "")),
            ("sysparm_target", (None, "sys_remote_update_set", "")),
        ]
        part = ("attachFile", (f"{name}.xml", content, "text/xml"))
        parts = [part, *fields] if file_first else [*fields, part]
        headers = {"X-UserToken": given} if in_header else {}
        return self.call("POST", "/sys_upload.do", auth=anonymous, headers=headers, files=parts)

    def process(self, processor: str, **fields: str) -> Answer:
        """Call a processor of `/xmlhttp.do` (A7, A9)."""
        __tracebackhide__ = True
        form = {
            "sysparm_processor": processor,
            "sysparm_scope": "global",
            "sysparm_want_session_messages": "true",
            "sysparm_ck": self.token.reveal(),
            **fields,
        }
        headers = {"X-UserToken": self.token.reveal()}
        return self.call("POST", "/xmlhttp.do", auth=anonymous, headers=headers, data=form)

    def rest(
        self, method: str, path: str, *, with_token: bool, body: object = None, **params: str
    ) -> Answer:
        """A REST call on the jar, which an importer never makes."""
        __tracebackhide__ = True
        headers = dict(JSON_HEADERS)
        if with_token:
            headers["X-UserToken"] = self.token.reveal()
        data = None if body is None else json.dumps(body).encode()
        return self.call(
            method, path, auth=anonymous, headers=headers, params=params or None, data=data
        )

    def sign_out(self) -> None:
        """End the session on the instance."""
        self.call("GET", "/logout.do", auth=anonymous)
        self.close()


def token_of(answer: Answer) -> Secret | None:
    """The hidden `sysparm_ck` of a page, its attributes in any order (A4)."""
    tag = TAG.search(answer.text)
    value = VALUE.search(tag[0]) if tag else None
    return Secret(value[1]) if value else None


def _answer(response: requests.Response, path: str) -> Answer:
    kept = {name: response.headers[name] for name in SHOWN_HEADERS if name in response.headers}
    if "Location" in kept:
        kept["Location"] = kept["Location"].partition("?")[0]
    token = response.headers.get("X-UserToken-Response")
    ages = {}
    for cookie in response.raw.headers.getlist("Set-Cookie"):
        name, _, rest = cookie.partition("=")
        age = re.search(r";\s*max-age=(\d+)", rest, re.IGNORECASE)
        ages[name.strip()] = age[1] if age else ""
    return Answer(
        method=response.request.method or "",
        path=path.partition("?")[0],
        status=response.status_code,
        headers=kept,
        names=frozenset(name.lower() for name in response.headers),
        ages=ages,
        text=response.content.decode("utf-8", "replace"),
        token=Secret(token) if token else None,
        size=len(response.content),
    )
