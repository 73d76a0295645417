"""Publish the Flow Designer action where it arrived unpublished, and read it back (A19)."""

from __future__ import annotations

from collections.abc import Sequence

from generator.errors import Fault, RemoteError, VerificationFailed
from generator.instance.interface import Publication
from generator.instance.package_files import ACTION_TABLE, PackageRecord
from generator.instance.read_back import compare, is_publication, record_reads
from generator.instance.report import Difference
from generator.instance.run import Run
from generator.instance.work import is_lost

BY_HAND = "publish by hand in Workflow Studio"


def complete_publication(run: Run, differences: Sequence[Difference]) -> None:
    """Publish the action if that is what the differences say it lacks.

    Raises:
        VerificationFailed: It could not be published, or does not read as published.
        RemoteError: The instance did not answer.
    """
    action = run.package.first(ACTION_TABLE)
    if action is None:
        return
    if not any(map(is_publication, differences)):
        run.idle("publish", f"{action.label} is published")
        return
    outcome = _publish(run, action)
    after = compare([action], run.read(record_reads([action]))).differences
    if not after:
        run.done("publish", f"published {action.label}")
        return
    why = {
        Publication.ABSENT: "the endpoint that publishes is not there (it comes with the "
        "ServiceNow IDE app)",
        Publication.REFUSED: "the instance refused to publish it",
        Publication.PUBLISHED: "the instance said yes, and it does not read as published",
    }[outcome]
    raise VerificationFailed(
        Fault(
            "not-published",
            f"The action {action.label} ({action.sys_id}) arrived and is not published: {why}.",
            next=f"{BY_HAND}: open {run.instance.url}, Process Automation, Workflow Studio, "
            f"Actions, {action.label}, application {run.environment.app.name}; Publish",
        )
    )


def _publish(run: Run, action: PackageRecord) -> Publication:
    try:
        return run.instance.publish_action(
            action.sys_id, scope_sys_id=action.fields.get("sys_scope", "")
        )
    except RemoteError as error:
        if not is_lost(error):
            raise
        # What became of it is read below, whatever the lost answer said.
        return Publication.PUBLISHED
