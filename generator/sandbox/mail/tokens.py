"""Access tokens of the stand-in: signed JWTs with the claims of `spec/azure-and-smtp.md` 5.2.

`jwt` (extra `sandbox`) is imported only here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from generator.azure.clouds import GRAPH
from generator.sandbox.mail.tenant import Client

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

GRAPH_AUDIENCES = frozenset(GRAPH.values())
SEND_AS_APP = "SMTP.SendAsApp"
KEY_ID = "sn-smtp-sandbox"
ALGORITHM = "RS256"
_ISSUED_BEFORE = timedelta(seconds=300)
"""`iat` and `nbf` lie so far back: the claims say 3900 seconds where `expires_in` says 3599."""


@cache
def signing_key() -> RSAPrivateKey:
    """The key of this process; making one takes a noticeable time."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return generate_private_key(public_exponent=65537, key_size=2048)


def public_jwks() -> dict[str, object]:
    """The public key as the endpoint of keys tells it."""
    from jwt.algorithms import RSAAlgorithm

    key = RSAAlgorithm.to_jwk(signing_key().public_key(), as_dict=True)
    return {"keys": [{**key, "kid": KEY_ID, "use": "sig", "alg": ALGORITHM}]}


def make_claims(
    client: Client,
    *,
    tenant_id: str,
    audience: str,
    roles: tuple[str, ...],
    now: datetime,
    seconds: int,
    padding: int = 0,
) -> dict[str, object]:
    """The claims of a right token, v1.0-shaped as Exchange's are [COMM].

    Args:
        client: Who asks.
        tenant_id: The tenant.
        audience: The resource.
        roles: Application permissions; none leaves the claim out.
        now: The present moment of the endpoint.
        seconds: Lifetime from now.
        padding: Bytes of an opaque claim.
    """
    issued = int((now - _ISSUED_BEFORE).timestamp())
    issuer = f"https://sts.windows.net/{tenant_id}/"
    claims: dict[str, object] = {
        "aud": audience,
        "iss": issuer,
        "iat": issued,
        "nbf": issued,
        "exp": int(now.timestamp()) + seconds + 1,
        "aio": secrets.token_urlsafe(padding * 3 // 4) if padding else "E2",
        "app_displayname": client.name,
        "appid": client.client_id,
        "appidacr": "1",
        "idp": issuer,
        "idtyp": "app",
        "oid": client.service_principal_object_id,
        "rh": "1.",
        "sub": client.service_principal_object_id,
        "tid": tenant_id,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }
    if roles:
        claims["roles"] = list(roles)
    return claims


def spoil_claims(claims: dict[str, object], kind: str) -> dict[str, object]:
    """The claims as the switch `claims` wants them; a new mapping."""
    tenant, app = str(claims["tid"]), claims["appid"]
    other = "00000000-0000-4000-8000-00000000dead"
    changes: dict[str, Mapping[str, object]] = {
        "other_role": {"roles": ["full_access_as_app"]},
        "aud_graph": {"aud": "https://graph.microsoft.com", "roles": ["Mail.Send"]},
        "aud_ps_outlook": {"aud": "https://ps.outlook.com"},
        "delegated": {"scp": "SMTP.Send", "idtyp": "user"},
        "wrong_tenant": {"tid": other, "iss": f"https://sts.windows.net/{other}/"},
        "wrong_app": {"appid": other},
        "expired": {"exp": int(str(claims["nbf"]))},
        "v2": {
            "azp": app,
            "azpacr": "1",
            "ver": "2.0",
            "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
        },
    }
    dropped = {"no_roles": ("roles",), "v2": ("appid", "appidacr"), "delegated": ("roles",)}
    made = {name: value for name, value in claims.items() if name not in dropped.get(kind, ())}
    return {**made, **changes.get(kind, {})}


def sign(claims: Mapping[str, object]) -> str:
    """The token of claims."""
    import jwt

    headers = {"kid": KEY_ID, "x5t": KEY_ID}
    return jwt.encode(dict(claims), signing_key(), algorithm=ALGORITHM, headers=headers)


def read(token: str, *, now: datetime) -> dict[str, object] | None:
    """The claims of a token that this process signed and that is valid now; else None.

    Args:
        token: The access token.
        now: The present moment of the server that asks.
    """
    import jwt

    # The stand-in's clock decides about times, not the machine's.
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    try:
        found = jwt.decode(
            token,
            signing_key().public_key(),
            algorithms=[ALGORITHM],
            options=options,  # type: ignore[arg-type]
        )
    except jwt.InvalidTokenError:
        return None
    moment, begin, end = now.timestamp(), found.get("nbf"), found.get("exp")
    if not isinstance(begin, int) or not isinstance(end, int) or not begin <= moment < end:
        return None
    return dict(found)
