"""`HttpInstance`: the port `generator.instance.interface.Instance` over HTTP.

Wire      one TLS context, one request, limits           transport.py
Caller    repeats reads within the budget                 retry.py
Rest      signed in, no cookies, JSON                     rest.py, auth.py, oauth.py
UiSession cookies and token                               ui_session.py, ui_login.py
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from generator.clock import Clock
from generator.config.instance_settings import InstanceSettings
from generator.instance.address import Address, check_address
from generator.instance.app_calls import call_app
from generator.instance.batch import Reader
from generator.instance.calls import Call, Scrubber, http_date
from generator.instance.cicd import CicdApi
from generator.instance.concourse import choose_update_set
from generator.instance.interface import (
    AppAnswer,
    Cicd,
    Found,
    Operation,
    ProgressState,
    Publication,
    Read,
    Route,
)
from generator.instance.messages import Messages
from generator.instance.publishing import publish_action
from generator.instance.rest import Rest
from generator.instance.retry import Budget, Caller
from generator.instance.sign_ins import SignIns
from generator.instance.tables import Tables
from generator.instance.transport import Wire, make_adapter, trust
from generator.instance.ui_session import UiSession
from generator.instance.upload import Uploader
from generator.instance.xmlhttp import XmlHttp
from generator.secrets.interface import Secret

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter


def open_instance(
    settings: InstanceSettings,
    *,
    url: str,
    clock: Clock,
    secrets: Callable[[str], Secret],
    budget_seconds: float = 900,
    log: Callable[[str], None] | None = None,
    override_url: str | None = None,
    adapter: BaseAdapter | None = None,
) -> HttpInstance:
    """An instance to talk to; nothing is sent, and no secret fetched, before the first call.

    Proxies and authorities are those of `settings` alone; no variables, no `.netrc`.

    Args:
        settings: How to sign in.
        url: `https://host`, of the environment file.
        clock: Waits, and tells when tokens end.
        secrets: Yields the secret of a source such as `env:NAME`, at first need.
        budget_seconds: Seconds that repeated requests may cost altogether, failed tries included.
        log: Told one line for each request: method, path, status, transaction; never a secret.
        override_url: Where to send requests instead, loopback only.
        adapter: What sends requests instead of the network, for tests.

    Raises:
        UsageError: The address is none, not https off loopback, or an override elsewhere.
    """
    address = check_address(url, override_url=override_url)
    return HttpInstance(
        settings,
        address=address,
        clock=clock,
        secrets=secrets,
        budget_seconds=budget_seconds,
        log=log,
        adapter=adapter,
    )


class HttpInstance:
    """A ServiceNow instance over HTTP; use it as a context manager, or call `close`."""

    def __init__(
        self,
        settings: InstanceSettings,
        *,
        address: Address,
        clock: Clock,
        secrets: Callable[[str], Secret],
        budget_seconds: float,
        log: Callable[[str], None] | None,
        adapter: BaseAdapter | None,
    ) -> None:
        """See `open_instance`, which checks the address."""
        self._settings = settings
        self._address = address
        self._clock = clock
        self._adapter = adapter
        self._date: datetime | None = None
        scrubber = Scrubber()
        self._caller = Caller(
            budget=Budget(budget_seconds, clock=clock),
            clock=clock,
            messages=Messages(host=address.host, scrubber=scrubber),
            scrubber=scrubber,
            jitter=random.SystemRandom().random,
            log=log,
        )
        self._wires: list[Wire] = []
        self._plain_wire: Wire | None = None
        self._sign_ins = SignIns(
            settings,
            secrets=secrets,
            caller=self._caller,
            clock=clock,
            plain_wire=self._plain,
            make_wire=self._make_wire,
        )
        self._rest_api: Rest | None = None
        self._reader: Reader | None = None
        self._session: UiSession | None = None

    def __enter__(self) -> HttpInstance:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """The address, nothing of the credentials."""
        return f"HttpInstance({self._address.url!r})"

    @property
    def url(self) -> str:
        """`https://host` requests go to."""
        return self._address.url

    @property
    def requests(self) -> int:
        """How many requests were sent so far, repeated ones included."""
        return self._caller.sent

    @property
    def waited(self) -> float:
        """Seconds waited before repeated requests so far; not the waits between polls."""
        return self._caller.waited

    def check_awake(self) -> None:
        """Ask without credentials whether an instance answers (A2).

        Raises:
            NetworkError, ResponseError: It hibernates, has no node, or something else answers.
            AuthenticationError: Single sign-on answers for it.
        """
        call = Call(
            "look whether the instance is awake",
            "GET",
            "/api/now/table/sys_user",
            query=(("sysparm_limit", "1"),),
            headers={"Accept": "application/json", "Content-Type": "application/json"},
        )
        answer = self._caller.send(call, wire=self._plain())
        is_platform = bool(answer.transaction) or answer.is_json
        if answer.status == 401 and "www-authenticate" in answer.headers and is_platform:
            return
        messages = self._caller.messages
        if answer.status < 400 and not answer.is_json:
            raise messages.not_json(answer)
        raise messages.unusable(
            answer,
            code="instance-not-one",
            what="something answers there, but not as an instance does (401 with a challenge)",
            step="check instance.url",
        )

    def read(self, reads: Sequence[Read]) -> tuple[Found, ...]:
        """Several reads at once, through the batch API where it serves them.

        Raises:
            RemoteError: Nothing can be said at all (network, credentials, outage).
        """
        if self._reader is None:
            self._reader = Reader(self._rest())
        return self._reader.read(reads)

    def insert(self, table: str, values: Mapping[str, str]) -> str:
        """Create a record; its sys_id (the one in `values`, if given)."""
        return Tables(self._rest()).insert(table, values=values)

    def update(self, table: str, sys_id: str, values: Mapping[str, str]) -> None:
        """Change some fields of a record (PATCH, stored values)."""
        Tables(self._rest()).update(table, sys_id=sys_id, values=values)

    def write_secret(self, table: str, sys_id: str, column: str, secret: str) -> None:
        """Write one secret column and nothing else (A17); the answer's body is suppressed."""
        self._caller.scrubber.learn(secret)
        Tables(self._rest()).write_secret(table, sys_id=sys_id, column=column, secret=secret)

    def delete(self, table: str, sys_id: str) -> None:
        """Delete a record; one that is not there is no error."""
        Tables(self._rest()).delete(table, sys_id=sys_id)

    def check_upload(self) -> None:
        """Open a UI session and see the upload form (A4); raises as the port says."""
        self._ui().ready()

    def upload(self, path: Path, *, set_sys_id: str) -> None:
        """Send an update set file, streaming; a success proves nothing (A6)."""
        uploader = Uploader(self._ui(), rest=self._rest(), host=self._address.host)
        uploader.upload(path, set_sys_id=set_sys_id)

    def probe_cicd(self) -> Cicd:
        """Whether the CI/CD update set calls can be used (A5)."""
        return CicdApi(self._rest()).probe()

    def preview(self, set_sys_id: str, *, batch: bool, route: Route) -> Operation:
        """Begin a preview; `batch` where the set is the base of one."""
        if route is Route.CICD:
            return CicdApi(self._rest()).preview(set_sys_id)
        return XmlHttp(self._ui()).preview(set_sys_id, batch=batch)

    def commit(self, set_sys_id: str, *, batch: bool, route: Route) -> Operation:
        """Begin a commit. Never repeated: after an error read the state.

        Raises:
            Refused: By the other way than CI/CD, the platform says that data would be lost.
            RemoteError: The answer is not clear.
        """
        if route is Route.CICD:
            return CicdApi(self._rest()).commit(set_sys_id)
        return XmlHttp(self._ui()).commit(set_sys_id, batch=batch)

    def back_out(self, local_set_sys_id: str, *, route: Route) -> Operation:
        """Begin to back a local update set out. Never repeated."""
        if route is Route.CICD:
            return CicdApi(self._rest()).back_out(local_set_sys_id)
        return XmlHttp(self._ui()).back_out(local_set_sys_id)

    def choose_update_set(self, sys_id: str) -> None:
        """Make a local update set the current one of the user who opens the UI session (A11)."""
        choose_update_set(self._ui(), sys_id)

    def progress(self, operation: Operation) -> ProgressState:
        """One look at an operation."""
        if operation.route is Route.CICD:
            return CicdApi(self._rest()).progress(operation)
        return XmlHttp(self._ui()).progress(operation)

    def publish_action(self, action_sys_id: str, *, scope_sys_id: str) -> Publication:
        """Publish one Flow Designer action (A19); the platform's text goes to the log."""
        rest = self._rest()
        publication, said = publish_action(
            rest, action_sys_id=action_sys_id, scope_sys_id=scope_sys_id
        )
        self._caller.note(f"publish the action: {publication.value}; {said}")
        return publication

    def call_app(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
    ) -> AppAnswer:
        """Call a Scripted REST resource of an application; a POST is never repeated."""
        return call_app(self._rest(), method=method, path=path, query=query, body=body)

    def server_time(self) -> datetime | None:
        """The instance's clock, from the last answer's `Date`; None if it had none."""
        return self._date

    def close(self) -> None:
        """End the UI session (`/logout.do`) and all connections."""
        if self._session is not None:
            self._session.close()
        for wire in self._wires:
            wire.close()

    def _rest(self) -> Rest:
        if self._rest_api is None:
            self._rest_api = Rest(self._caller, sign_in=self._sign_ins.rest())
        return self._rest_api

    def _ui(self) -> UiSession:
        if self._session is None:
            sign_in, key = self._sign_ins.pages()
            self._session = UiSession(
                self._caller,
                sign_in=sign_in,
                clock=self._clock,
                host=self._address.host,
                key=key,
            )
        return self._session

    def _plain(self) -> Wire:
        """The connection without a client certificate."""
        if self._plain_wire is None:
            self._plain_wire = self._make_wire(None)
        return self._plain_wire

    def _make_wire(self, prepare: Callable[[ssl.SSLContext], None] | None) -> Wire:
        """A connection; `prepare` adds a client certificate to its TLS context."""

        def make_context() -> ssl.SSLContext:
            context = trust(self._settings.ca_file)
            if prepare is not None:
                prepare(context)
            return context

        adapter = self._adapter or make_adapter(
            make_context if self._address.is_encrypted else None
        )
        wire = Wire(
            self._address,
            adapter=adapter,
            clock=self._clock,
            proxy=self._settings.proxy,
            on_date=self._keep_date,
        )
        self._wires.append(wire)
        return wire

    def _keep_date(self, text: str) -> None:
        moment = http_date(text)
        if moment is not None:
            self._date = datetime.fromtimestamp(moment, UTC)
