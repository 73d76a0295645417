"""Requests to Microsoft Graph: the sign-in, one exchange over TLS, and what failed of either.

No exception of a library is kept: its frames and chain hold the request and the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING

from generator.errors import (
    AuthenticationError,
    ConfigError,
    Fault,
    NetworkError,
    OutcomeUnknown,
    ResponseError,
)

if TYPE_CHECKING:
    from requests import Request, Response

    from generator.secrets.azure_sign_in import StandIn

LONGEST = 60.0
"""Seconds that one question may take; signing in is one of its own."""

_TIMEOUT = (10.0, 20.0)
"""Seconds to connect, and between two pieces of an answer."""

_LARGEST = 4 << 20
_SHOWN = 300


def graph_token(scope: str, *, login: str, local: StandIn | None) -> str:
    """An access token for Graph.

    Raises:
        ConfigError: The extra is not installed.
        AuthenticationError: Nobody is signed in.
        NetworkError: It took too long.
    """
    from generator.secrets.azure_sign_in import EXTRA, make_credential, sign_in_failure
    from generator.secrets.deadline import within

    def ask() -> str:
        return make_credential(login=login, local=local).get_token(scope).token

    ended = within(LONGEST, ask)
    if ended.result:
        return ended.result
    if isinstance(ended.error, ImportError):
        raise ConfigError(
            Fault("graph-extra", "azure-identity is not installed.", next=f"install it: {EXTRA}")
        )
    if ended.error is None:
        raise NetworkError(
            Fault(
                "graph-sign-in",
                f"Signing in to Microsoft Graph did not end within {LONGEST:.0f} s.",
                next="check the network and the proxy (HTTPS_PROXY), then run it again",
            )
        )
    raise AuthenticationError(
        Fault(
            "graph-sign-in",
            f"Nobody is signed in to Microsoft Graph: {sign_in_failure(str(ended.error))}.",
            next="az login --tenant <tenant id>; or set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
            "AZURE_CLIENT_SECRET of an identity that may change the application",
        )
    )


def exchange(request: Request, *, token: str, ca_file: str | None) -> tuple[int, bytes]:
    """Send one request once; no answer that leads elsewhere is followed.

    Returns:
        Status and body.
    """
    from requests import PreparedRequest, Session

    def signed(prepared: PreparedRequest) -> PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {token}"
        return prepared

    # An auth of our own: otherwise a .netrc would put its own header in this one's place.
    request.auth = signed
    with Session() as session:
        prepared = session.prepare_request(request)
        settings = session.merge_environment_settings(
            prepared.url or "", {}, True, ca_file or True, None
        )
        response = session.send(prepared, timeout=_TIMEOUT, allow_redirects=False, **settings)
        try:
            return response.status_code, _read(response)
        finally:
            response.close()


def _read(response: Response) -> bytes:
    body = b""
    for piece in response.iter_content(1 << 16):
        body += piece
        if len(body) > _LARGEST:
            raise ValueError("the answer is too long")
    return body


def explained(error: Exception | None) -> tuple[str, bool]:
    """Why no answer came, and whether the request may have been sent."""
    from requests import exceptions

    if error is None:
        return f"it was not there within {LONGEST:.0f} s", True
    if isinstance(error, exceptions.SSLError):
        # TLS may break after the request was sent, too: a certificate alone is judged before.
        if any(isinstance(part, SSLCertVerificationError) for part in _chain(error)):
            return "its certificate is not accepted", False
        return "the encrypted connection broke", True
    if isinstance(error, exceptions.ProxyError):
        return "the proxy opens no way to it", False
    if isinstance(error, exceptions.ConnectTimeout):
        return "it does not let connect", False
    names = {type(part).__name__ for part in _chain(error)}
    if names & {"NameResolutionError", "gaierror"}:
        return "its name is not known", False
    if "ConnectionRefusedError" in names:
        return "it refuses connections", False
    return f"the answer did not come whole ({type(error).__name__})", True


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    left: list[object] = [error]
    while left and len(found) < 32:
        part = left.pop()
        if isinstance(part, BaseException) and part not in found:
            found.append(part)
            left += [part.__context__, part.__cause__, getattr(part, "reason", None), *part.args]
    return found


def said(body: Mapping[str, object]) -> str:
    """Graph's own words, as one short line."""
    error = body.get("error")
    if not isinstance(error, dict):
        return ""
    words = [str(error.get(name) or "") for name in ("code", "message")]
    text = ": ".join(word for word in words if word)
    clean = " ".join("".join(c if c.isprintable() else " " for c in text[:4000]).split())
    return clean if len(clean) <= _SHOWN else f"{clean[: _SHOWN - 1]}…"


def unusable(why: str, *, status: int | None = None) -> ResponseError:
    """An answer came that cannot be used."""
    return ResponseError(
        Fault(
            "graph-answer",
            f"The answer of Microsoft Graph {why}.",
            next="run it again; see that nothing between here and Graph answers in its place",
        ),
        status=status,
    )


def unknown(why: str, status: int | None) -> OutcomeUnknown:
    """A change was sent and its answer lost."""
    return OutcomeUnknown(
        Fault(
            "graph-unknown",
            f"A change was sent to Microsoft Graph and no clear answer came: {why}. Whether it "
            "stands is not known.",
            next="run it again: it looks at what is there first",
        ),
        status=status,
    )
