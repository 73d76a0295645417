"""One form, posted over TLS: no redirects, no cookies, no retries; size and time are limited.

The form goes through an adapter of `requests` and not through its `Session`, which reads `.netrc`,
keeps cookies and follows redirects: none of that may decide where a secret goes. `requests` writes
the form's body, so that `~ . _ -` arrive as they are and everything else encoded
(`spec/azure-and-smtp.md` 2.3 (h)).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

from generator.mail.interface import Cause
from generator.mail.network import Network, Watch
from generator.mail.trouble import BadAnswer, NoAnswer, Place, Trouble, explain

if TYPE_CHECKING:
    from requests import PreparedRequest
    from requests.adapters import HTTPAdapter
    from urllib3.response import HTTPResponse

LARGEST = 256 * 1024
"""Bytes of an answer; a token response has some three thousand."""

_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: complete, within the limits, and not yet believed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""

    body: bytes = field(repr=False)

    @property
    def date(self) -> datetime | None:
        """The server's `Date`, aware, UTC; None if there is none."""
        try:
            moment = parsedate_to_datetime(self.headers["date"])
            return moment.astimezone(UTC) if moment.tzinfo else None
        except (KeyError, TypeError, ValueError, IndexError, OverflowError):
            return None


class _TooLarge(Exception):
    """The answer is larger than any that was asked for."""


class _Packed(Exception):
    """The answer is compressed, which was not asked for."""


def post_form(url: str, fields: Mapping[str, str], *, network: Network, place: Place) -> HttpAnswer:
    """Post a form once and read the whole answer.

    Args:
        url: `https://...`.
        fields: Name to value, not encoded.
        network: Limits, authorities and proxy.
        place: What messages call the server.

    Raises:
        NoAnswer: No complete answer came in time.
        BadAnswer: The answer is larger than `LARGEST`, or compressed.
        ConfigError: The file of the stand-ins' authority cannot be used.
    """
    context = network.context(place.host)
    with Watch(network.whole_seconds) as watch:
        adapter = _adapter(context, network=network, watch=watch)
        try:
            outcome = _attempt(adapter, url, fields, network=network, place=place, watch=watch)
        finally:
            adapter.close()
    if isinstance(outcome, HttpAnswer):
        return outcome
    raise outcome


def unusable(place: Place, kind: str, what: str) -> Trouble:
    """The trouble of an answer that is none of the server that was asked."""
    return Trouble(
        f"{place.kind}-{kind}",
        what,
        (
            Cause(
                f"Another server answers for {place.host}: a proxy, a sign-on page of the "
                "network, a wrong host name.",
                f"Check {place.setting}, and HTTPS_PROXY and NO_PROXY; open "
                f"https://{place.address} in a browser on this machine.",
            ),
        ),
    )


def _attempt(
    adapter: HTTPAdapter,
    url: str,
    fields: Mapping[str, str],
    *,
    network: Network,
    place: Place,
    watch: Watch,
) -> HttpAnswer | NoAnswer | BadAnswer:
    """The answer or its error, which is not raised here: it would chain the library's own."""
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        return _exchange(adapter, url, fields, network=network, place=place)
    except _TooLarge:
        what = "The answer is larger than any that a token endpoint gives."
        return BadAnswer(unusable(place, "too-large", what))
    except _Packed:
        what = "The answer is compressed, which nobody asked for."
        return BadAnswer(unusable(place, "packed", what))
    except (RequestException, HTTPError, OSError, ValueError) as lost:
        seconds = network.whole_seconds if watch.is_over else network.timeout_seconds
        return NoAnswer(explain(lost, place=place, too_slow=watch.is_over, seconds=seconds))


def _exchange(
    adapter: HTTPAdapter, url: str, fields: Mapping[str, str], *, network: Network, place: Place
) -> HttpAnswer:
    proxy = network.proxy_for(place.host)
    response = adapter.send(
        _prepared(url, fields),
        stream=True,
        timeout=(network.timeout_seconds, network.timeout_seconds),
        verify=True,
        proxies={"https": proxy} if proxy else {},
    )
    try:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise _Packed
        raw = cast("HTTPResponse", response.raw)
        body = b""
        for piece in raw.stream(_PIECE, decode_content=False):
            body += piece
            if len(body) > LARGEST:
                raise _TooLarge
    finally:
        response.close()
    if not body and "content-length" not in headers and "transfer-encoding" not in headers:
        raise ConnectionResetError("the answer ends in its headers")
    return HttpAnswer(response.status_code, headers, body)


def _prepared(url: str, fields: Mapping[str, str]) -> PreparedRequest:
    from requests import Request

    headers = {
        "User-Agent": "sn-smtp",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    return Request("POST", url, headers=headers, data=dict(fields)).prepare()


def _adapter(context: ssl.SSLContext, *, network: Network, watch: Watch) -> HTTPAdapter:
    """An adapter whose one authority is the context, and whose connections are watched over."""
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool

    class Connection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return watch.over(network.connect(self._dns_host, self.port))

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Connection

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: object, **kwargs: object) -> None:
            super().init_poolmanager(*args, **{**kwargs, "ssl_context": context})  # type: ignore[arg-type]
            self.poolmanager.pool_classes_by_scheme = {"https": Pool}

        def proxy_manager_for(self, proxy: str, **kwargs: object) -> object:
            manager = super().proxy_manager_for(proxy, **{**kwargs, "ssl_context": context})
            manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": Pool}
            return manager

        def cert_verify(self, *_args: object, **_kwargs: object) -> None:
            # The library would add its own list of authorities.
            pass

    return Adapter(max_retries=0)
