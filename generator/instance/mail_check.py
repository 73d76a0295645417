"""The last link of the instance's side: what the app's own check says, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from generator.errors import GeneratorError, RemoteError
from generator.instance.app_check import AppUnavailable, Health, HealthStatus, ask_health
from generator.instance.next_step import call, package_anew
from generator.instance.run import Run
from generator.mail.interface import Cause, LinkResult, Verdict

Explain: TypeAlias = Callable[[tuple[int, ...]], tuple[str, tuple[Cause, ...]]]
"""Takes Entra's codes; a stable identifier, and what explains them, the likeliest first."""

_NAME, _TITLE = "instance-check", "The app's own check"
_CODE = re.compile(r"\bAADSTS(\d{4,9})\b", re.ASCII)


def check_link(run: Run, *, explain: Explain | None = None) -> LinkResult:
    """Ask the app's check about the package's account.

    Args:
        run: The call.
        explain: What Entra's codes mean.
    """
    scope, account = run.environment.app.scope, run.package.account
    checked = (
        f"the check of the app {scope} on {run.instance.url}: a new token for {account.label} "
        f"({account.sys_id}), with what the instance holds"
    )
    began = run.clock.monotonic()
    try:
        health = ask_health(
            run.instance,
            scope=scope,
            account=account.sys_id,
            update=package_anew(run.environment),
        )
    except (AppUnavailable, RemoteError) as error:
        verdict, code, causes, answered = _unasked(error)
    else:
        verdict, code, causes = _judge(run, health, explain)
        answered = f"{health.status.value}: {health.message}"
    return LinkResult(
        _NAME,
        _TITLE,
        verdict,
        checked,
        answered,
        code,
        causes,
        run.clock.monotonic() - began,
    )


def _unasked(error: GeneratorError) -> tuple[Verdict, str, tuple[Cause, ...], str]:
    causes = tuple(Cause(fault.message, fault.next or "") for fault in error.faults)
    said = error.detail if isinstance(error, RemoteError) else ""
    return Verdict.FAILED, error.faults[0].code, causes, said or "no answer of the check"


def _judge(
    run: Run, health: Health, explain: Explain | None
) -> tuple[Verdict, str, tuple[Cause, ...]]:
    if health.status is HealthStatus.OK:
        return Verdict.OK, "", ()
    if health.status is HealthStatus.SECRET_EXPIRES:
        return Verdict.WARNING, "check-secret-expires", (_expires(run, health),)
    if health.status is HealthStatus.INACTIVE:
        return _inactive(run)
    if health.status is HealthStatus.NO_TOKEN:
        return _no_token(run, health, explain)
    if health.status is HealthStatus.NOT_OAUTH:
        cause = Cause(
            "The email account on the instance does not use OAuth 2.0.",
            "Set its authentication to OAuth 2.0 and choose its OAuth profile, or import again: "
            f"{call(run.environment, 'import')}",
        )
        return Verdict.FAILED, "check-not-oauth", (cause,)
    cause = Cause(
        f"The app's check could not come to an end: {health.message}",
        "Do what the check says; then see that the cross-scope privileges of the app are allowed "
        "on the instance (sys_scope_privilege), and that the caller may read its tables.",
    )
    return Verdict.FAILED, "check-error", (cause,)


def _expires(run: Run, health: Health) -> Cause:
    rotate = (
        f"{call(run.environment, 'secret rotate')}, or a new secret in Azure and "
        f"{call(run.environment, 'secret deliver')}"
    )
    days, ends = health.secret_days_left, health.secret_expires_on
    when = "" if ends is None else f" on {ends:%Y-%m-%d %H:%M:%S} UTC"
    if days is not None and days < 0:
        return Cause(
            f"By the app's property the client secret ended{when}, and Entra gave a token with it "
            "all the same: the property is out of date.",
            "Write the date of the secret in use in azure.secret_expires_on (or azure.json), and "
            f"deliver it: {call(run.environment, 'secret deliver')}",
        )
    left = "soon" if days is None else f"in {days} days"
    return Cause(f"The client secret ends {left}{when}.", f"Rotate it: {rotate}")


def _inactive(run: Run) -> tuple[Verdict, str, tuple[Cause, ...]]:
    """A token came; that the account is not active is a fault only after the cut-over."""
    cause = Cause(
        "The instance gets tokens; the account is inactive, so nothing is sent through it yet.",
        f"When the time has come: {call(run.environment, 'activate')}",
    )
    verdict = Verdict.FAILED if run.environment.email_account.live else Verdict.WARNING
    return verdict, "check-inactive", (cause,)


def _no_token(
    run: Run, health: Health, explain: Explain | None
) -> tuple[Verdict, str, tuple[Cause, ...]]:
    codes = tuple(dict.fromkeys(int(number) for number in _CODE.findall(health.message)))
    known: tuple[Cause, ...] = ()
    code = f"aadsts-{codes[0]}" if codes else "check-no-token"
    if codes and explain is not None:
        code, known = explain(codes)
    deliver = call(run.environment, "secret deliver")
    own = (
        Cause(
            "The client secret on the instance is not the application's, or was never entered "
            "there: it does not come with an update set.",
            f"Deliver it: {deliver}",
        ),
        Cause(
            "The instance does not reach the token endpoint, or its entry names another one.",
            "Compare instance-entity; see the instance's outbound requests and its system log.",
        ),
    )
    # Where Entra said which it was, the instance did reach it.
    return Verdict.FAILED, code, (*known, *(own[:1] if codes else own))
