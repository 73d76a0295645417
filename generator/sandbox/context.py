"""One request: who asks, and the shapes of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.sessions import UiSession

Json: TypeAlias = (
    "str | int | float | bool | None | Mapping[str, Json] | list[Json] | tuple[Json, ...]"
)
"""What an answer's body may hold."""

JSON = "application/json;charset=UTF-8"
"""Content type of an instance's REST answers."""


@dataclass(frozen=True, slots=True)
class Context:
    """A request with its surroundings; handlers get nothing else."""

    sandbox: Sandbox
    request: Request
    user: Mapping[str, str] | None
    """Row of `sys_user`; None if nobody is signed in."""

    auth: str = "none"
    """How: none, basic, bearer, api_key, certificate, session."""

    session: UiSession | None = None
    """The UI session that the request's cookies name."""

    roles: frozenset[str] = field(default_factory=frozenset)
    """Names of the user's roles, contained ones included."""

    in_batch: bool = False
    """Whether this is a part of a batch request."""

    @property
    def is_admin(self) -> bool:
        """Whether the user has the role admin."""
        return "admin" in self.roles

    @property
    def user_name(self) -> str:
        """For stamps; `guest` if nobody is signed in, as on an instance."""
        return self.user["user_name"] if self.user else "guest"

    def has_role(self, *names: str) -> bool:
        """Whether the user is admin or has one of these roles."""
        return self.is_admin or not self.roles.isdisjoint(names)

    def json(
        self, payload: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A REST answer."""
        return json_response(payload, status=status, headers=headers)

    def result(
        self, result: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A REST answer `{"result": ...}`."""
        return json_response({"result": result}, status=status, headers=headers)

    def error(
        self,
        status: int,
        message: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """An error in the shape of `spec/instance-http.md` A16 [DOC]."""
        return error_response(status, message, detail, headers=headers)

    def html(
        self, text: str, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A page."""
        return html_response(text, status=status, headers=headers)

    def empty(self, *, status: int = 204, headers: Mapping[str, str] | None = None) -> Response:
        """An answer without body."""
        response = Response(status=status, headers=dict(headers or {}))
        if status == 204:
            response.headers.pop("Content-Type", None)
        return response


def json_response(
    payload: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A REST answer, compact as an instance writes it."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    # A body may have brought half a character.
    return Response(text.encode("utf-8", "replace"), status, dict(headers or {}), content_type=JSON)


def error_response(
    status: int,
    message: str,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`{"error":{"message","detail"},"status":"failure"}` (A16) [DOC]."""
    payload: Json = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return json_response(payload, status=status, headers=headers)


def html_response(
    text: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A page."""
    return Response(text, status, dict(headers or {}), content_type="text/html;charset=UTF-8")
