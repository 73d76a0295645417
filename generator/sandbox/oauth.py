"""`/oauth_token.do`: tokens for client credentials, a password or a refresh token.

`spec/instance-http.md` A3, B3.20. Replies and refusals of client credentials are [DOC] and
[PLAT]; what the other refusals say is [INF] after them.
"""

from __future__ import annotations

from typing import NoReturn

from werkzeug.wrappers import Response

from generator.sandbox.context import Context
from generator.sandbox.identity import OAUTH_PAGE, active_user, user_with_password
from generator.sandbox.oauth_tokens import Client, Granted

PROPERTY = "glide.oauth.inbound.client.credential.grant_type.enabled"
SCOPE = "useraccount"


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
    client = context.sandbox.door.tokens.client(name)
    if client is None or not client.has_secret(secret):
        _deny("invalid_client")
    return client


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
