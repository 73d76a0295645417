"""`secret deliver` by itself: the guards of an import, then the one write (decisions 8 and 10)."""

from __future__ import annotations

from generator.instance.guards import guard_reads, judge
from generator.instance.run import Faults, Run
from generator.instance.secret_delivery import (
    check_delivery,
    deliver,
    expiry_name,
    expiry_read,
    judge_expiry,
)


def deliver_secret(run: Run) -> None:
    """Deliver the secret after the guards said yes.

    Raises:
        Refused: A guard said no; the entity is another's; the instance knows a later end.
        VerificationFailed: The secret does not read as set, or its end does not arrive.
        RemoteError: The instance did not clearly answer.
        ConfigError: No source is configured, or it has no secret.
    """
    faults = Faults()
    run.begin("preflight")
    run.instance.check_awake()
    name = expiry_name(run)
    found = run.read({**guard_reads(run.options.permission), "expiry": expiry_read(name)})
    judge(run, found, faults)
    judge_expiry(name, package=run.package, found=found["expiry"], faults=faults)
    faults.raise_if_any()
    run.done("preflight", run.report.instance_name)
    run.begin("secret")
    if run.options.dry_run:
        check_delivery(run)
        run.idle("secret", "would be delivered")
        return
    deliver(run)
