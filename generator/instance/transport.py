"""One request over the wire: TLS, time limits, size limits; no cookies, redirects or retries.

Requests go through an adapter of `requests` and not through its `Session`: a session reads
`.netrc`, proxies and authorities from the environment's variables, keeps cookies and follows
redirects, and none of that may decide where credentials go (`spec/instance-http.md` A2). So a
proxy is `instance.proxy` and an authority `instance.ca_file`, or there is none. Connections are
kept open.

The library is loaded with this module: loaded at the first request it would compete with the check
of the package, which runs while that request is waited for.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from requests import PreparedRequest, Request, RequestException, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar, get_cookie_header
from urllib3.exceptions import HTTPError

from generator.clock import Clock
from generator.errors import ConfigError, Fault
from generator.instance.address import Address
from generator.instance.calls import Answer, Call, Failure
from generator.instance.failures import BodyTooLarge, BodyTooSlow, explain_exception

CONNECT_SECONDS = 15.0
READ_SECONDS = 120.0
"""Between two pieces of an answer; previews and commits run in the background."""

WHOLE_SECONDS = 600.0
"""For a whole answer, however evenly it drips."""

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes, unpacked."""

_PIECE = 64 * 1024


class Wire:
    """One way to the instance: an adapter with its certificates."""

    def __init__(
        self,
        address: Address,
        *,
        adapter: BaseAdapter,
        clock: Clock,
        proxy: str | None = None,
        on_date: Callable[[str], None] | None = None,
    ) -> None:
        """Args: address: Where to. adapter: How. on_date: Told each answer's `Date`."""
        self._address = address
        self._adapter = adapter
        self._clock = clock
        # A proxy cannot reach this machine's own loopback.
        self._proxies = {"http": proxy, "https": proxy} if proxy and not address.is_loopback else {}
        self._on_date = on_date

    def exchange(
        self, call: Call, *, jar: RequestsCookieJar | None = None, largest: int = LARGEST_BODY
    ) -> Answer | Failure:
        """Send one request once and read its whole answer.

        Args:
            call: The request.
            jar: Cookies to send, and where those of the answer go; None: neither.
            largest: Bytes that the answer may have.
        """
        # The library's exceptions hold the request and its credentials: none leaves this frame.
        try:
            return self._exchange(call, jar=jar, largest=largest)
        except (
            RequestException,
            HTTPError,
            OSError,
            ValueError,
            BodyTooLarge,
            BodyTooSlow,
        ) as lost:
            return explain_exception(lost, call=call, address=self._address)

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()

    def _exchange(self, call: Call, *, jar: RequestsCookieJar | None, largest: int) -> Answer:
        prepared = self._prepare(call, jar=jar)
        response = self._adapter.send(
            prepared,
            stream=True,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            verify=True,
            proxies=self._proxies,
        )
        try:
            if jar is not None:
                _keep_cookies(jar, prepared, response)
            body = self._read(response, largest=largest)
        finally:
            response.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        if _is_cut(response.status_code, headers, body):
            raise ConnectionResetError("the answer ends in its headers")
        if self._on_date and "date" in headers:
            self._on_date(headers["date"])
        return Answer(call, response.status_code, headers, body)

    def _prepare(self, call: Call, *, jar: RequestsCookieJar | None) -> PreparedRequest:
        query = f"?{urlencode(call.query)}" if call.query else ""
        request = Request(
            call.method,
            f"{self._address.url}{call.path}{query}",
            headers={"User-Agent": "sn-smtp", **call.headers},
            data=call.body,
        )
        prepared = request.prepare()
        if jar is not None:
            cookies = get_cookie_header(jar, prepared)  # type: ignore[no-untyped-call]
            if cookies:
                prepared.headers["Cookie"] = cookies
        return prepared

    def _read(self, response: Response, *, largest: int) -> bytes:
        ends = self._clock.monotonic() + WHOLE_SECONDS
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_content(_PIECE):
            size += len(piece)
            if size > largest:
                raise BodyTooLarge
            if self._clock.monotonic() > ends:
                raise BodyTooSlow
            pieces.append(piece)
        return b"".join(pieces)


def _is_cut(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an answer may have ended in its headers: it has no body, and does not say so."""
    says_length = "content-length" in headers or "transfer-encoding" in headers
    return not body and not says_length and status not in (204, 304)


def _keep_cookies(jar: RequestsCookieJar, prepared: PreparedRequest, response: Response) -> None:
    if getattr(response.raw, "_original_response", None) is not None:
        extract_cookies_to_jar(  # type: ignore[no-untyped-call]
            jar, prepared, response.raw
        )
    else:
        jar.update(response.cookies)


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Whom to believe: one file's authorities, or the system's and those that requests brings.

    Args:
        ca_file: PEM file, `instance.ca_file`.

    Raises:
        ConfigError: The file cannot be read or holds no certificate.
    """
    if ca_file is None:
        import certifi

        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        return context
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ValueError):
        reason = "cannot be read, or holds no PEM certificate"
    raise ConfigError(
        Fault(
            "ca-file",
            f"The file of trusted authorities {reason}.",
            file=str(ca_file),
            path="instance.ca_file",
            next="name the PEM file of the authority that issued the instance's certificate",
        )
    )


def make_adapter(make_context: Callable[[], ssl.SSLContext] | None) -> BaseAdapter:
    """An adapter whose one authority is the given context; None where nothing is encrypted.

    The library would add its own list of authorities to each connection; with `instance.ca_file` it
    must not.
    """
    context = make_context() if make_context else None

    class _Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: object, **kwargs: object) -> None:
            super().init_poolmanager(*args, **_with(kwargs))  # type: ignore[arg-type]

        def proxy_manager_for(self, proxy: str, **kwargs: object) -> object:
            return super().proxy_manager_for(proxy, **_with(kwargs))

        def cert_verify(self, *_args: object, **_kwargs: object) -> None:
            pass

    def _with(kwargs: Mapping[str, object]) -> dict[str, object]:
        return {**kwargs, "ssl_context": context} if context else dict(kwargs)

    return _Adapter(max_retries=0)
