"""`/oauth_token.do`: tokens for client credentials, a password or a refresh token.

`spec/instance-http.md` A3, B3.20. Replies and refusals of client credentials are [DOC] and
[PLAT]; what the other refusals say is [INF] after them.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NoReturn

from werkzeug.wrappers import Response

from generator.sandbox.context import Context
from generator.sandbox.identity import OAUTH_PAGE, active_user, user_with_password
from generator.sandbox.oauth_tokens import Client, Granted
from generator.sandbox.passwords import decrypt

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

PROPERTY = "glide.oauth.inbound.client.credential.grant_type.enabled"
SCOPE = "useraccount"
INBOUND = ("client", "")
"""Types of `oauth_entity` that sign in here; a provider's is for tokens of others [INF]."""


class _Denied(Exception):
    """A token request is refused; its argument is the OAuth error."""


def _token(context: Context) -> Response:
    try:
        return _granted(context, _grant(context))
    except _Denied as denied:
        payload = {"error": str(denied), "error_description": "access_denied"}
        return context.json(payload, status=401)


def _grant(context: Context) -> Granted:
    form = context.request.form
    client = _client(context)
    tokens = context.sandbox.door.tokens
    kind = form.get("grant_type", "")
    if kind == "client_credentials":
        user = _application_user(context, client)
        return tokens.grant(client, user=user, with_refresh=False)
    if kind == "password":
        # No second factor is asked for [DOC].
        name, password = form.get("username", ""), form.get("password", "")
        found = user_with_password(context.sandbox, name, password=password)
        if found is None:
            _deny("server_error")
        return tokens.grant(client, user=found["sys_id"], with_refresh=True)
    if kind == "refresh_token":
        old = tokens.refreshable(form.get("refresh_token", ""))
        if old is None or old.client != client.id:
            _deny("invalid_grant")
        return tokens.grant(client, user=old.user, with_refresh=True)
    _deny("unsupported_grant_type")


def _client(context: Context) -> Client:
    """The client that the form or Basic names, if its secret is right."""
    form, basic = context.request.form, context.request.authorization
    name, secret = form.get("client_id", ""), form.get("client_secret", "")
    if not name and basic is not None and basic.type == "basic":
        name, secret = basic.username or "", basic.password or ""
    client = _registered(context.sandbox, name, secret=secret)
    if client is None:
        _deny("invalid_client")
    return client


def _registered(sandbox: Sandbox, name: str, *, secret: str) -> Client | None:
    """The active `oauth_entity` of a client that has this secret.

    A secret that another instance encrypted cannot be read here, and none matches it (B3.16).
    """
    if not name or not secret or "^" in name:
        return None
    for row in sandbox.database.query("oauth_entity", f"client_id={name}"):
        is_client = row.get("type", "") in INBOUND and row.get("active", "true") == "true"
        if not is_client or row.get("client_id") != name:
            continue
        plain = decrypt(sandbox, row.get("client_secret", ""))
        if plain is not None and hmac.compare_digest(plain.encode(), secret.encode()):
            return Client(name, row.get("user", ""))
    return None


def _application_user(context: Context, client: Client) -> str:
    """Whom client credentials stand for: needs the property and an application user [PLAT]."""
    rows = context.sandbox.database.query("sys_properties", f"name={PROPERTY}", limit=1)
    is_on = bool(rows) and rows[0].get("value") == "true"
    wanted = context.sandbox.behaviour.client_credentials
    if not is_on or wanted != "on" or active_user(context.sandbox, client.user) is None:
        _deny("server_error")
    return client.user


def _deny(error: str) -> NoReturn:
    raise _Denied(error)


def _granted(context: Context, granted: Granted) -> Response:
    payload: dict[str, str | int] = {"access_token": granted.access_token}
    if granted.refresh_token is not None:
        payload["refresh_token"] = granted.refresh_token
    payload |= {"scope": SCOPE, "token_type": "Bearer", "expires_in": granted.expires_in}
    return context.json(payload)


ROUTES = ((OAUTH_PAGE, ("POST",), _token),)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
