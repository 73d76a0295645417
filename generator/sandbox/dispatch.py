"""From a request to its handler: who asks, which route, and what every answer carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter, RequestRedirect
from werkzeug.wrappers import Request, Response

from generator.sandbox.context import Context, error_response
from generator.sandbox.headers import decorate
from generator.sandbox.identity import authenticate, unauthenticated
from generator.sandbox.notes import note
from generator.sandbox.parameters import note_ignored
from generator.sandbox.routes import Handler, path_map
from generator.sandbox.unsupported import LONGEST
from generator.sandbox.unsupported import answer as answer_unsupported

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from generator.sandbox.instance import Sandbox

CONTROL = "/__sandbox__/"
ANONYMOUS = ("/oauth_token.do",)
UNAUTHENTICATED = ("User Not Authenticated", "Required to provide Auth information")
"""Message and detail of a 401 (A16) [MEAS]."""


class Dispatcher:
    """Answers requests of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Args: sandbox: Whose."""
        self._sandbox = sandbox
        self._map = path_map()

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (WSGI), headers and cookies included."""
        request = Request(environ)
        try:
            response = self.answer(request)
        finally:
            # Lets go of a form's files.
            request.close()
        return response(environ, start_response)

    def answer(self, request: Request) -> Response:
        """Find out who asks, answer, decorate, and note it in the log."""
        sandbox = self._sandbox
        if request.path.startswith(CONTROL):
            return self._route(Context(sandbox, request, None))
        try:
            context, refusal = self._identify(request)
        except ConnectionError:
            raise
        except Exception as error:  # an instance answers, whatever happens
            context = Context(sandbox, request, None)
            refusal = _failed(context, error)
        response = refusal or self._route(context)
        decorate(
            response,
            request=request,
            randomness=sandbox.random,
            now=sandbox.clock.now(),
            logged_in=context.user is not None,
            secure=sandbox.secure,
        )
        sandbox.say(f"{request.method} {request.path} {response.status_code}")
        return response

    def part(self, context: Context, request: Request) -> Response:
        """Answer a part of a batch as whoever sent the batch; nothing is decorated."""
        inner = Context(
            context.sandbox,
            request,
            context.user,
            context.auth,
            context.session,
            context.roles,
            in_batch=True,
        )
        return self._route(inner)

    def _identify(self, request: Request) -> tuple[Context, Response | None]:
        sandbox = self._sandbox
        identity = authenticate(sandbox, request)
        roles = _roles(sandbox, identity.user)
        context = Context(sandbox, request, identity.user, identity.auth, identity.session, roles)
        return context, identity.refusal

    def _route(self, context: Context) -> Response:
        request = context.request
        adapter: MapAdapter = self._map.bind_to_environ(request.environ)
        try:
            handler, arguments = adapter.match()
        except (NotFound, RequestRedirect):
            return answer_unsupported(context)
        except MethodNotAllowed as error:
            return _wrong_method(context, error)
        is_rest = request.path.startswith("/api/")
        if is_rest and context.user is None:
            return unauthenticated()
        note_ignored(context)
        found: Handler = handler
        try:
            return found(context, **arguments)
        except HTTPException as error:
            # A form that is too large or no form at all.
            return error_response(400, "Exception while reading request", error.name)
        except ConnectionError:
            # Nobody is there any more.
            raise
        except Exception as error:  # an instance answers, whatever happens
            return _failed(context, error)


def _roles(sandbox: Sandbox, user: Mapping[str, str] | None) -> frozenset[str]:
    if user is None:
        return frozenset()
    database = sandbox.database
    held = database.query("sys_user_has_role", f"user={user['sys_id']}")
    named = (database.get("sys_user_role", row.get("role", "")) for row in held)
    roles = frozenset(row["name"] for row in named if row is not None)
    return roles - frozenset(sandbox.behaviour.missing_roles)


def _failed(context: Context, error: Exception) -> Response:
    """500 in the shape of A16 [INF]; only the error's kind is told, its text may hold a value."""
    request = context.request
    kind = type(error).__name__
    context.sandbox.say(f"bug of the sandbox: {kind} at {request.method} {request.path[:LONGEST]}")
    return error_response(500, "Internal server error", "See the log of the sandbox")


def _wrong_method(context: Context, error: MethodNotAllowed) -> Response:
    request = context.request
    allowed = ", ".join(sorted(error.valid_methods or ()))
    note(context.sandbox, f"{request.method} {request.path[:LONGEST]}: this path takes {allowed}")
    return context.error(405, "Method not supported", None, headers={"Allow": allowed})
