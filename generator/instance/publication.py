"""Publish the Flow Designer action where it arrived unpublished, and read it back (A19)."""

from __future__ import annotations

from collections.abc import Container, Sequence

from generator.errors import Fault, RemoteError, VerificationFailed
from generator.instance.interface import Publication
from generator.instance.package_files import ACTION_TABLE, PackageRecord
from generator.instance.read_back import compare, is_publication, record_reads
from generator.instance.report import Difference
from generator.instance.run import Run
from generator.instance.work import is_lost

BY_HAND = "publish by hand in Workflow Studio"


def complete_publication(
    run: Run, differences: Sequence[Difference], *, left_out: Container[str] = ()
) -> None:
    """Publish the action if that is what the differences say it lacks.

    Args:
        run: The call.
        differences: What reading back came to.
        left_out: Names of the updates that were left out by decision.

    Raises:
        VerificationFailed: It could not be published, or does not read as published.
        RemoteError: The instance did not answer.
    """
    action = run.package.first(ACTION_TABLE)
    if action is None:
        return
    if action.update_name in left_out:
        run.idle("publish", f"not looked at: {action.label} was left out")
        return
    if any(d.table == ACTION_TABLE and d.sys_id and not d.field for d in differences):
        run.idle("publish", f"not looked at: {action.label} is not there")
        return
    if not any(map(is_publication, differences)):
        run.idle("publish", f"{action.label} is published")
        return
    outcome, said = _publish(run, action)
    after = compare([action], run.read(record_reads([action]))).differences
    if not after:
        run.done("publish", f"published {action.label}")
        return
    why = {
        Publication.ABSENT: "the endpoint that publishes is not there (it comes with the "
        "ServiceNow IDE app)",
        Publication.REFUSED: f"the instance refused to publish it{said and f' ({said})'}",
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


def _publish(run: Run, action: PackageRecord) -> tuple[Publication, str]:
    """What came of it, and the instance's words where it refused."""
    scope = action.fields.get("sys_scope", "")
    try:
        return run.instance.publish_action(action.sys_id, scope_sys_id=scope), ""
    except RemoteError as error:
        if is_lost(error):
            # What became of it is read afterwards, whatever the lost answer said.
            return Publication.PUBLISHED, ""
        said = (error.detail or error.faults[0].message).rstrip(".")
        return Publication.REFUSED, f"status {error.status}: {said}" if error.status else said
