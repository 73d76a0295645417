"""Is this the right client secret? Entra is asked before it is delivered, the instance after.

Before: a token from the real token endpoint with the value itself (`Run.prove_secret`). After: the
app's own check, which always asks Entra for a new token with what the instance holds. A secret that
is minutes old may be unknown to a part of Entra for a while (7000215; `spec/azure-and-smtp.md`
section 9, step 3 [MEM]), so that this one refusal is asked again for some minutes.
"""

from __future__ import annotations

from generator.errors import RemoteError, VerificationFailed
from generator.instance.app_check import AppUnavailable, Health, HealthStatus, ask_health
from generator.instance.next_step import package_anew
from generator.instance.run import Run
from generator.instance.secret_refusals import not_asked, not_proven
from generator.secrets.interface import Secret

NEW_SECRET_LIMIT = 300.0
"""Seconds for which a new secret may be unknown to Entra before that counts."""

INVALID_SECRET = "7000215"  # noqa: S105 - a code of Entra
"""Entra's code of a secret that it does not know."""

NOT_ASKED = (
    "nobody proved the secret: requests go to a sandbox without its mail side (sn-smtp sandbox "
    "--mail, --entra)"
)
"""Said where `Run.prove_secret` is None."""


def ask_entra(run: Run, secret: Secret, *, which: str = "it") -> None:
    """Ask Entra for a token with a secret, where it can be asked.

    Args:
        run: The call.
        secret: What to ask with.
        which: What people call it: `the old one`.

    Raises:
        TokenRefused: It gives none.
        RemoteError: It did not clearly answer.
    """
    if run.prove_secret is not None:
        run.tell(f"secret: asking Microsoft Entra ID for a token with {which}")
        run.prove_secret(secret)


def ask_instance(run: Run) -> Health:
    """Have the instance get a new token with the secret that it holds.

    Raises:
        VerificationFailed: It gets none, or its app cannot be asked.
        RemoteError: It did not clearly answer.
    """
    run.tell("secret: asking for a new token through the instance")
    health = granted_in_time(run)
    if not health.granted:
        raise not_proven(run, health)
    return health


def granted_in_time(run: Run) -> Health:
    """What the app's check says, asked again while a new secret is unknown to Entra.

    Raises:
        VerificationFailed: The app cannot be asked.
        RemoteError: It did not clearly answer.
    """
    patience = run.patience(NEW_SECRET_LIMIT)
    while True:
        health = health_of(run)
        is_new = health.status is HealthStatus.NO_TOKEN and INVALID_SECRET in health.message
        if not is_new or patience.is_over:
            return health
        run.sleep(patience)


def health_of(run: Run) -> Health:
    """What the app's check says about the package's account, asked once.

    Raises:
        VerificationFailed: The app cannot be asked; the secret may be there all the same.
        RemoteError: It did not clearly answer.
    """
    scope, account = run.environment.app.scope, run.package.account.sys_id
    try:
        return ask_health(
            run.instance, scope=scope, account=account, update=package_anew(run.environment)
        )
    except AppUnavailable as error:
        raise VerificationFailed(*not_asked(error.faults)) from None
    except RemoteError as error:
        raise type(error)(
            *not_asked(error.faults), status=error.status, detail=error.detail
        ) from None
