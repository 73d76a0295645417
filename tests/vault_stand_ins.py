"""Local stand-ins for Azure Key Vault (with the sign-in it asks for) and HashiCorp Vault.

Real sockets and real TLS, so that the vendors' own client libraries are what is tested. They are no
evidence of how the real ones behave; what they answer is what the vendors document.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Self
from urllib.parse import parse_qs, urlsplit

from generator.sandbox.tls import make_tls

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        value = json.loads(self.body or b"{}")
        assert isinstance(value, dict)
        return value


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False
    """Announce more than is sent, and close."""

    is_silent: bool = False
    """Say nothing until the server stops."""


Fault = Callable[[Asked], Reply | None]


class StandIn:
    """A server on loopback with a throw-away certificate."""

    def __init__(self, directory: Path) -> None:
        tls = make_tls()
        self.ca_file = tls.write_ca(directory / f"ca-{token_hex(4)}.pem")
        self.requests: list[Asked] = []
        self.fault: Fault | None = None
        """Asked first; None lets the stand-in answer."""
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = _wrapped(self._server, tls.context)
        self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError


def _wrapped(server: ThreadingHTTPServer, context: ssl.SSLContext) -> ssl.SSLSocket:
    # The handshake belongs to each connection's own thread.
    return context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                # A client that trusts nobody, or went away.
                self.close_connection = True

        def finish(self) -> None:
            try:
                super().finish()
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(
                self.command, parts.path, parse_qs(parts.query), headers, self.rfile.read(length)
            )
            stand_in.requests.append(asked)
            reply = stand_in.fault(asked) if stand_in.fault else None
            self._send(reply or stand_in.answer(asked))

        def _send(self, reply: Reply) -> None:
            if reply.is_silent:
                stand_in.stopped.wait(30)
                self.close_connection = True
                return
            body = reply.body
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            if body is None:
                raw = b""
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw) + (10 if reply.is_cut else 0)))
            self.end_headers()
            self.wfile.write(raw)
            if reply.is_cut:
                self.close_connection = True

        do_GET = do_POST = do_PUT = _serve

    return Handler


@dataclass
class KeyVaultVersion:
    """One version of a secret in a Key Vault."""

    value: str
    id: str = field(default_factory=lambda: token_hex(16))
    enabled: bool = True
    exp: int | None = None
    nbf: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None


class KeyVaultStandIn(StandIn):
    """A Key Vault, and the Entra that signs in to it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.secrets: dict[str, list[KeyVaultVersion]] = {}
        self.client_secret = token_urlsafe(24)
        self.bearer = "eyJ" + token_urlsafe(48)
        self.resource = "https://vault.azure.net"
        self.accepts: Callable[[str], bool] = lambda token: token == self.bearer
        """Whether a token lets in; another Entra than its own may have issued it."""
        self.login = ""
        """Another Entra that the challenge names."""

    def variables(self) -> dict[str, str]:
        """What leads the source here, and who signs in."""
        return {
            "SN_SMTP_KEY_VAULT": self.url,
            "SN_SMTP_ENTRA": self.url,
            "SN_SMTP_MAIL_CA": str(self.ca_file),
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": self.client_secret,
            "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/.well-known/openid-configuration"):
            return self._openid()
        if asked.path == f"/{TENANT}/oauth2/v2.0/token":
            return self._token(asked)
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.accepts(token):
            login = self.login or f"{self.url}/{TENANT}"
            challenge = f'Bearer authorization="{login}", resource="{self.resource}"'
            return key_vault_error(401, "Unauthorized", headers={"WWW-Authenticate": challenge})
        _, _, name, *rest = asked.path.split("/")
        if asked.method == "PUT":
            return self._set(asked, name)
        return self._get(name, rest[0] if rest else "")

    def _openid(self) -> Reply:
        base = f"{self.url}/{TENANT}"
        return Reply(
            200,
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            },
        )

    def _token(self, asked: Asked) -> Reply:
        form = parse_qs(asked.body.decode())
        if form["scope"] != [f"{self.resource}/.default"]:
            return Reply(400, {"error": "invalid_scope", "error_description": "AADSTS70011: ..."})
        if form["client_secret"] != [self.client_secret]:
            told = f"AADSTS7000215: Invalid client secret provided: {form['client_secret'][0]}"
            return Reply(401, {"error": "invalid_client", "error_description": told})
        return Reply(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": self.bearer})

    def _get(self, name: str, version: str) -> Reply:
        versions = self.secrets.get(name, [])
        found = [held for held in versions if not version or held.id == version][-1:]
        if not found:
            return key_vault_error(404, "SecretNotFound")
        if not found[0].enabled:
            return key_vault_error(
                403,
                "Forbidden",
                inner="SecretDisabled",
                message="Operation get is not allowed on a disabled secret.",
            )
        return Reply(200, self._bundle(name, found[0]))

    def _set(self, asked: Asked, name: str) -> Reply:
        told = asked.json
        version = KeyVaultVersion(
            str(told["value"]),
            tags=dict(told.get("tags") or {}),  # type: ignore[call-overload]
            content_type=told.get("contentType"),  # type: ignore[arg-type]
        )
        self.secrets.setdefault(name, []).append(version)
        return Reply(200, self._bundle(name, version))

    def _bundle(self, name: str, version: KeyVaultVersion) -> dict[str, object]:
        dates = {"exp": version.exp, "nbf": version.nbf}
        return {
            "value": version.value,
            "id": f"https://acme-mail.vault.azure.net/secrets/{name}/{version.id}",
            "attributes": {
                "enabled": version.enabled,
                **{key: value for key, value in dates.items() if value is not None},
            },
            "tags": version.tags,
            "contentType": version.content_type,
        }


def key_vault_error(
    status: int,
    code: str,
    *,
    inner: str = "",
    message: str = "...",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    error: dict[str, object] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    return Reply(status, {"error": error}, headers or {})


@dataclass
class VaultVersion:
    """One version of a path."""

    data: dict[str, object]
    deletion_time: str = ""
    destroyed: bool = False


class VaultStandIn(StandIn):
    """A HashiCorp Vault with a KV engine of version 2 mounted at `secret`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.token = "hvs." + token_urlsafe(24)
        self.role_id = token_hex(8)
        self.secret_id = token_hex(8)
        self.namespace = ""
        self.paths: dict[str, list[VaultVersion]] = {}

    def variables(self) -> dict[str, str]:
        """What leads the source here, and who signs in."""
        return {
            "VAULT_ADDR": self.url,
            "VAULT_CACERT": str(self.ca_file),
            "VAULT_TOKEN": self.token,
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("x-vault-namespace", "") != self.namespace:
            return Reply(403, {"errors": ["permission denied"]})
        if asked.path == "/v1/auth/approle/login":
            return self._login(asked)
        if asked.headers.get("x-vault-token") != self.token:
            return Reply(403, {"errors": ["permission denied", "invalid token"]})
        if not asked.path.startswith("/v1/secret/data/"):
            return Reply(404, {"errors": ["no handler for route. route entry not found."]})
        path = asked.path.removeprefix("/v1/secret/data/")
        if asked.method == "POST":
            return self._write(asked, path)
        return self._read(path, int(asked.query.get("version", ["0"])[0]))

    def _login(self, asked: Asked) -> Reply:
        if asked.json != {"role_id": self.role_id, "secret_id": self.secret_id}:
            return Reply(400, {"errors": ["invalid role or secret ID"]})
        return Reply(200, {"auth": {"client_token": self.token}})

    def _read(self, path: str, number: int) -> Reply:
        versions = self.paths.get(path, [])
        number = number or len(versions)
        if not 1 <= number <= len(versions):
            return Reply(404, {"errors": []})
        version = versions[number - 1]
        metadata = {
            "version": number,
            "deletion_time": version.deletion_time,
            "destroyed": version.destroyed,
        }
        if version.deletion_time or version.destroyed:
            return Reply(404, {"data": {"data": None, "metadata": metadata}})
        return Reply(200, {"data": {"data": version.data, "metadata": metadata}})

    def _write(self, asked: Asked, path: str) -> Reply:
        told = asked.json
        versions = self.paths.setdefault(path, [])
        options, data = told["options"], told["data"]
        assert isinstance(options, dict)
        assert isinstance(data, dict)
        if options.get("cas") != len(versions):
            text = "check-and-set parameter did not match the current version"
            return Reply(400, {"errors": [text]})
        versions.append(VaultVersion(data))
        return Reply(200, {"data": {"version": len(versions), "destroyed": False}})
