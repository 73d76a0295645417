"""Microsoft Graph: the client secrets of one application, listed, added and removed.

`spec/azure-and-smtp.md` 2.1 and 2.2 (Graph `application`, `addPassword`, `removePassword`; [DOC]).
A secret is told once, in the answer that adds it. The token comes from azure-identity, with the
extra `azure`, and is asked for when it is needed. Nothing is sent twice by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from generator.azure.clouds import GRAPH, Cloud
from generator.azure.graph_wire import (
    LONGEST,
    exchange,
    explained,
    graph_token,
    said,
    unknown,
    unusable,
)
from generator.azure.values import guid, parse_date
from generator.errors import (
    AuthenticationError,
    ConfigError,
    Fault,
    NetworkError,
    ResponseError,
)
from generator.secrets.interface import Secret

if TYPE_CHECKING:
    from generator.secrets.azure_sign_in import StandIn

_THROTTLED = 429
_LONG = 12
"""Characters below which a text is no token that could be told from other words."""

_STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class PasswordCredential:
    """One client secret, as Graph lists it: never its value."""

    key_id: str
    """By which it is removed; the portal's Secret ID."""

    display_name: str
    hint: str = field(repr=False)
    """First characters of the value; empty where Graph does not tell them."""

    starts: datetime | None
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Application:
    """The app registration."""

    object_id: str
    """Of the application; never the one that Exchange wants."""

    display_name: str
    passwords: tuple[PasswordCredential, ...]

    def password(self, key_id: str) -> PasswordCredential | None:
        """The secret of a key id."""
        return next((one for one in self.passwords if one.key_id == key_id), None)


@dataclass(frozen=True, slots=True)
class AddedPassword:
    """A new client secret."""

    credential: PasswordCredential
    secret: Secret


@dataclass(frozen=True, slots=True)
class Graph:
    """Microsoft Graph, for one application."""

    client_id: str
    url: str
    """`https://host` that requests go to."""

    token: Callable[[], str] = field(repr=False)
    """Gets an access token for Graph, now."""

    ca_file: str | None = None
    """PEM file of the authority that issued a stand-in's certificate."""

    longest: float = LONGEST
    """Seconds that one question may take."""

    def application(self) -> Application:
        """The application and its client secrets.

        Raises:
            ConfigError: The directory has no such application.
            RemoteError: Graph did not clearly answer, or does not know us.
        """
        path = f"applications(appId='{self.client_id}')"
        status, body = self._ask(
            "GET", path, {"$select": "id,appId,displayName,passwordCredentials"}
        )
        if status == 404:
            raise self._no_application()
        self._require(status, body, "read the application")
        object_id = guid(str(body.get("id", "")))
        listed = body.get("passwordCredentials")
        if object_id is None or not isinstance(listed, list):
            raise unusable("holds no application with its client secrets")
        if str(body.get("appId", "")).lower() != self.client_id:
            raise unusable("is about another application")
        return Application(
            object_id, str(body.get("displayName") or ""), tuple(_credential(one) for one in listed)
        )

    def add_password(self, object_id: str, *, display_name: str, ends: datetime) -> AddedPassword:
        """Add a client secret; those that are there stay.

        Args:
            object_id: Of the application.
            display_name: What the portal shows beside it.
            ends: Aware.

        Raises:
            OutcomeUnknown: It may have been added, and its value is lost.
            RemoteError: Graph said no, or did not answer: nothing was added.
        """
        wanted = {
            "displayName": display_name,
            "endDateTime": ends.astimezone(UTC).strftime(_STAMP),
        }
        status, body = self._ask(
            "POST", f"applications/{object_id}/addPassword", body={"passwordCredential": wanted}
        )
        self._require(status, body, "add a client secret")
        text = body.get("secretText")
        if not isinstance(text, str) or not text:
            raise unknown("the answer holds no secret", status)
        try:
            credential = _credential(body)
        except ResponseError:
            credential = None
        if credential is None:
            raise unknown("the answer does not say which secret it is", status)
        return AddedPassword(credential, Secret(text))

    def remove_password(self, object_id: str, *, key_id: str) -> None:
        """Remove one client secret by its key id; whether it is gone, only a list tells.

        Raises:
            OutcomeUnknown: It was sent and its answer lost.
            RemoteError: Graph said no, or did not answer.
        """
        status, body = self._ask(
            "POST", f"applications/{object_id}/removePassword", body={"keyId": key_id}
        )
        self._require(status, body, "remove a client secret")

    def _require(self, status: int, body: Mapping[str, object], what: str) -> None:
        if 200 <= status < 300:
            return
        words = said(body)
        shown = (
            f"Microsoft Graph refused to {what} (status {status}){f': {words}' if words else '.'}"
        )
        if status in (401, 403):
            raise AuthenticationError(
                Fault(
                    "graph-denied",
                    shown,
                    next="sign in (az login) as an owner of the application, or with an identity "
                    "that has Application.ReadWrite.OwnedBy or Application.ReadWrite.All",
                ),
                status=status,
                detail=words,
            )
        if status >= 500 and what != "read the application":
            raise unknown(f"Graph answered with status {status}", status)
        again = "wait a little, then run it again" if status in (_THROTTLED, 503) else ""
        raise ResponseError(
            Fault(
                "graph-refused",
                shown,
                next=again
                or "see what it says: a policy of the tenant may forbid secrets or limit "
                "how long they live",
            ),
            status=status,
            detail=words,
        )

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, object] | None = None,
    ) -> tuple[int, Mapping[str, object]]:
        """One request; its status and JSON object (empty where there is none)."""
        from requests import Request

        from generator.secrets.deadline import within

        token = self.token()
        request = Request(
            method,
            f"{self.url}/v1.0/{path}",
            params=query,
            json=body,
            headers={"Accept": "application/json", "Cache-Control": "no-cache"},
        )
        ended = within(self.longest, lambda: exchange(request, token=token, ca_file=self.ca_file))
        if ended.result is None:
            self._no_answer(ended.error, writes=method == "POST")
        status, raw = ended.result
        # Whatever answers may repeat what it was asked with, and its words are shown.
        raw = raw.replace(token.encode(), b"[token]") if len(token) >= _LONG else raw
        try:
            found = json.loads(raw) if raw.strip() else {}
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return status, found
        if status >= 400:
            return status, {}
        if method == "POST":
            raise unknown("the answer is no JSON object", status)
        raise unusable("is no JSON object", status=status)

    def _no_answer(self, error: Exception | None, *, writes: bool) -> NoReturn:
        why, was_sent = explained(error)
        if writes and was_sent:
            raise unknown(why, None)
        raise NetworkError(
            Fault(
                "graph-silent",
                f"Microsoft Graph ({self.url}) gave no answer: {why}.",
                next="check the network, the proxy (HTTPS_PROXY) and that this cloud is the right "
                "one (azure.cloud); then run it again",
            )
        )

    def _no_application(self) -> ConfigError:
        return ConfigError(
            Fault(
                "graph-no-application",
                f"The directory has no application with the client ID {self.client_id}.",
                path="azure.client_id",
                next="sign in to the tenant of the application: az login --tenant <tenant id>",
            )
        )


def open_graph(
    cloud: Cloud,
    *,
    client_id: str,
    login: str,
    local: StandIn | None = None,
) -> Graph:
    """Graph of a cloud, signed in to with azure-identity when it is first asked.

    Args:
        cloud: Of the tenant.
        client_id: Of the application, lower case.
        login: `https://host` of the cloud's token endpoint.
        local: Stand-ins on this machine instead.
    """
    home = GRAPH[cloud]
    return Graph(
        client_id=client_id,
        url=local.url if local else home,
        token=lambda: graph_token(f"{home}/.default", login=login, local=local),
        ca_file=local.ca_file if local else None,
    )


def _credential(found: object) -> PasswordCredential:
    if not isinstance(found, dict):
        raise unusable("holds a client secret that is no object")
    key_id = guid(str(found.get("keyId", "")))
    if key_id is None:
        raise unusable("holds a client secret without a key id")
    return PasswordCredential(
        key_id=key_id,
        display_name=str(found.get("displayName") or ""),
        hint=str(found.get("hint") or ""),
        starts=_date(found.get("startDateTime")),
        ends=_date(found.get("endDateTime")),
    )


def _date(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    moment = parse_date(text)
    return moment if isinstance(moment, datetime) else None
